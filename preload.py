"""The WebUI executes this file before it reads its command line, to let an extension add options.

The WebUI part of EasyPhoto Video is not there yet, so there is nothing to add.
"""
