"""Says why an upload cannot be used."""

from aiohttp import web

from .answers import error_response


class Refusal(ValueError):
    """An upload is refused. ``code`` and ``details`` say the same as the text, to a page with words of its own."""

    def __init__(self, status: int, text: str, code: str, **details: int | str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.details = details

    def response(self) -> web.Response:
        """Makes the answer."""
        response = error_response(self.status, str(self), code=self.code, **self.details)
        if self.status == 503:
            response.headers["Retry-After"] = "10"
        return response
