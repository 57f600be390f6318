def run(s): pass
def deb(s): pass
def static(s): pass
def image(s): pass
