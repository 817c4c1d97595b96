"""Serves an application over HTTP and HTTPS, and restricts who may use it; what it shows is the business of ``web``.

In: an aiohttp application, and ``[web]`` of the configuration. Out: HTTP within limits of connections, time and size.
Public names: ``Server`` (server.py), ``Guard`` (guard.py), ``error_response`` (answers.py). Threads: ``page`` runs the
server and every handler; the event loop's default executor (``asyncio_N``) checks passwords and writes sessions.
"""
