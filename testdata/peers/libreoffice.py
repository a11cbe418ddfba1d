# Drives LibreOffice as a person does: writes a new document to a server, opens
# it again, changes and saves it, and opens it once more. After each step it prints a word and waits for
# a line, so that somebody else can look at the server meanwhile.
#
#   python3 libreoffice.py URL USER PASSWORD PROFILE_FOLDER
import subprocess
import sys
import time

import uno
import unohelper
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.task import XInteractionHandler

url, user, password, profile = sys.argv[1:]
START_WITHIN = 60  # seconds
SIGN_IN = "com.sun.star.ucb.XInteractionSupplyAuthentication"
READ_ONLY = "com.sun.star.task.XInteractionApprove"  # of a window about a lock
WAYS = (SIGN_IN, READ_ONLY)


class SignsIn(unohelper.Base, XInteractionHandler):
    """Answers the windows that would open: types the password, and looks at what others have locked."""

    def handle(self, request):
        # Python 3.11 cannot read what LibreOffice 7.4 asks: the answers that it takes tell.
        ways = {name: way for way in request.getContinuations() for name in WAYS if way.queryInterface(uno.getTypeByName(name))}
        if SIGN_IN in ways:
            ways[SIGN_IN].setUserName(user)
            ways[SIGN_IN].setPassword(password)
            ways[SIGN_IN].select()
        elif READ_ONLY in ways:
            step("locked")
            ways[READ_ONLY].select()


def option(name, value):
    p = PropertyValue()
    p.Name, p.Value = name, value
    return p


def step(word):
    print(word, flush=True)
    if not sys.stdin.readline():
        raise SystemExit("nobody listens any more")


def connect():
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            return resolver.resolve("uno:pipe,name=%s;urp;StarOffice.ComponentContext" % pipe)
        except NoConnectException:
            if time.monotonic() > deadline or office.poll() is not None:
                raise
            time.sleep(0.1)


def edit(desktop):
    handler = SignsIn()
    options = (option("InteractionHandler", handler), option("AuthenticationHandler", handler))
    document = desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, (option("Hidden", True),))
    document.getText().setString("first")
    document.storeAsURL(url, options + (option("FilterName", "writer8"),))
    step("stored")
    document.close(True)
    step("closed")

    document = desktop.loadComponentFromURL(url, "_blank", 0, options + (option("Hidden", True),))
    step("opened " + document.getText().getString() + (" read-only" if document.isReadonly() else ""))
    document.getText().setString("second")
    document.store()
    step("saved")
    document.close(True)
    step("closed")

    document = desktop.loadComponentFromURL(url, "_blank", 0, options + (option("Hidden", True),))
    step("opened " + document.getText().getString() + (" read-only" if document.isReadonly() else ""))
    document.close(True)
    step("closed")


pipe = "davit" + str(time.time_ns())
office = subprocess.Popen([
    "soffice", "--headless", "--norestore", "--nologo", "--nodefault", "--nofirststartwizard",
    "-env:UserInstallation=" + uno.systemPathToFileUrl(profile), "--accept=pipe,name=%s;urp;" % pipe])
try:
    desktop = None
    context = connect()
    desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    edit(desktop)
finally:
    if desktop:
        try:
            desktop.terminate()
        except Exception:
            pass  # it has ended already
    try:
        office.wait(10)
    except subprocess.TimeoutExpired:
        office.kill()
