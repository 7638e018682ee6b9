"""The WebUI runs this file at every start, to let an extension install what it lacks.

The WebUI part of EasyPhoto Video is not there yet, so nothing is installed here. The stand-alone
program installs into its own .venv, see launch.py.
"""
