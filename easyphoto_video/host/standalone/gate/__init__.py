"""Who comes to the page and how far: before gradio and the API see a call.

names.py     by which name the page may be called, and from which pages
login.py     who may come in
dropped.py   whose is what was dropped into the page
events.py    what an event may bring along
intake.py    files on their way in
gate.py      all of it, around the app
"""
