"""The WebUI executes this file when it starts.

The tab is not there yet: EasyPhoto Video runs by itself for now, `python3 launch.py text2video`.
This file registers nothing and imports nothing, so an installed extension does no harm.
"""
