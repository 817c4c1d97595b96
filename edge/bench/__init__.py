"""What watching a door costs, measured on this machine (``maskwatch bench``).

The parts that run are the device's own, on real pictures; rivals see the same pictures, one by one, in the same process
and thread, so that a ratio means something on a machine that does other things too.
"""
