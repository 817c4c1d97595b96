"""Serves the page: aim the camera, check images, see alerts and health. Off by default; needs the extra ``web``.

In: frames and messages through ``Bus``, files and settings through ``Backend``. Out: HTTP. Public names: ``Bus``,
``Page``, ``Backend``. ``routes`` puts the page together, and ``static/`` is what the browser gets. Threads: ``page``
runs the handlers (``serving``), ``page-work`` draws and encodes the live image, and the event loop's default executor
(``asyncio_N``) reads files and changes settings. ``store-report`` reads the database for the overview of all doors.
``checker`` starts the process ``checking`` for uploaded images.
Unless ``[web] enabled`` is set, only ``bus`` and ``listeners`` are loaded; the loop imports no other file of this room.
"""
