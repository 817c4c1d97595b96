"""Reads what a webhook needs: its address, token and key."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from ..addresses import is_plain, shown_file, split_post_address
from ..errors import ConfigError
from .credentials import read_password
from .outputs import WebhookConfig


@dataclass(frozen=True, slots=True, repr=False)
class WebhookAccess:
    """The address, which may have a login, the token, and the key that signs; empty without one."""

    url: str
    token: str
    key: bytes


def read_webhook(output: WebhookConfig) -> WebhookAccess:
    """Reads what is configured, and the files that it names. Raises ``ConfigError``, which shows no secret."""
    return WebhookAccess(_url(output), _token(output), _key(output))


def faults(output: WebhookConfig) -> Iterable[str]:
    """Returns what is wrong with the options of a webhook, one line each; no file is read."""
    place = f"outputs.{output.name}.url"
    if bool(output.url) == bool(output.url_file):
        state = "are both set; leave one out" if output.url else "are both empty; set one of them"
        yield f"{place} and {place}_file {state}"
    elif output.url:
        yield from _faults_of((partial(_url, output),))


def faults_of_files(output: WebhookConfig) -> Iterable[str]:
    """Returns what is wrong with the files that a webhook names, one line each."""
    return _faults_of((partial(_url, output), partial(_token, output), partial(_key, output)))


def _faults_of(reads: Iterable[Callable[[], object]]) -> Iterable[str]:
    for read in reads:
        try:
            read()
        except ConfigError as error:
            yield str(error)


def _url(output: WebhookConfig) -> str:
    place = f"outputs.{output.name}.url"
    url = output.url or _content(output, "url_file")
    try:
        parts = split_post_address(url)
    except ValueError as fault:
        raise ConfigError(f"{place if output.url else f'{place}_file'}: {fault}") from None
    if output.token_file and "@" in parts.netloc:
        raise ConfigError(f"{place} has a login, and outputs.{output.name}.token_file is another; leave one out")
    return url


def _token(output: WebhookConfig) -> str:
    token = _content(output, "token_file") if output.token_file else ""
    if not is_plain(token):
        raise ConfigError(f"outputs.{output.name}.token_file: the file must contain the token alone, on one line")
    return token


def _key(output: WebhookConfig) -> bytes:
    return _content(output, "secret_file").encode() if output.secret_file else b""


def _content(output: WebhookConfig, option: str) -> str:
    """Returns what a file contains without the spaces around it. Raises ``ConfigError`` if that is nothing."""
    file, place = getattr(output, option), f"outputs.{output.name}.{option}"
    content = read_password(place, file).strip()
    if not content:
        raise ConfigError(f"{place} {shown_file(file)} is empty; write into it what it is for")
    return content
