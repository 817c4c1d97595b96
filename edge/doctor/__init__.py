"""Checks an installation for ``maskwatch doctor`` and says what to do about each problem.

In: the configuration, and the files of the state folder. Out: one finding per check, each within its time limit.
Public names: ``examine`` (examination.py, the list of checks), ``Finding`` and ``Check`` (check.py). The checks
themselves are one file per part of the installation.
Processes: each check runs in a child process of its own, one after the other.
"""
