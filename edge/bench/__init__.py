"""Measures what watching a door costs on this machine, for ``maskwatch bench``.

In: options and a configuration. Out: tables on standard output, JSON in a file. Public name: ``command.bench``.
The measured code is the code that runs on the device, on real images. A rival processes the same frames as maskwatch,
one by one in the same process and thread, so that other load on the machine changes both alike. Everything runs in the
main thread, except the MQTT clients, which have threads of their own.
"""
