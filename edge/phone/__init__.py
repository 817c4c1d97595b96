"""Sends alerts to a phone: gathers them, makes texts of them, and posts the texts to a web address.

In: alerts, snapshots and conditions of every door, from ``mqtt.subscriber``. Out: HTTP POST requests; what waits is on
disk. Public names: ``Phone`` (phone.py), ``Destination`` (destination.py), ``Store`` (store.py).
Threads: ``post`` posts; the subscriber's thread hands alerts in. No module here loads OpenCV or NumPy.
"""
