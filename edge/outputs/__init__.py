"""Answers the person at the door and passes alerts on: lamp, buzzer, relay, servo, sound, webhook, command.

In: who is at the door (``Presence``, after each frame) and each alert (by the outbox). Out: pins, sounds, HTTP requests
and programs. Public names: ``Outputs`` (outputs.py), ``open_outputs`` (opening.py), ``Presence`` (situation.py).
Threads: ``outputs`` drives what is on or off, ``sound`` plays; each webhook and command has a thread ``output-NAME``.
``outputs-control`` takes tests from other processes. Nothing here is imported unless an output is configured.
"""
