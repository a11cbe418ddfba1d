# Drives evolution-data-server, which keeps the calendars of GNOME, through its own
# library. It reads steps from standard input, a line each, and answers each with a
# line of JSON.
#
#   python3 evolution.py HOST PORT USER PASSWORD PATH
import json
import sys

import gi

gi.require_version("EDataServer", "1.2")
gi.require_version("ECal", "2.0")
gi.require_version("ICalGLib", "3.0")
from gi.repository import ECal, EDataServer, GLib, ICalGLib

host, port, user, password, path = sys.argv[1:]
registry = EDataServer.SourceRegistry.new_sync(None)


def caldav_source(uid):
    source = EDataServer.Source.new_with_uid(uid, None)
    source.set_display_name(uid)
    source.set_parent("caldav-stub")
    source.get_extension(EDataServer.SOURCE_EXTENSION_CALENDAR).set_backend_name("caldav")
    signing = source.get_extension(EDataServer.SOURCE_EXTENSION_AUTHENTICATION)
    signing.set_host(host)
    signing.set_port(int(port))
    signing.set_user(user)
    signing.set_method("plain/password")
    source.get_extension(EDataServer.SOURCE_EXTENSION_SECURITY).set_method("none")
    source.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND).set_resource_path(path)
    source.get_extension(EDataServer.SOURCE_EXTENSION_OFFLINE).set_stay_synchronized(True)
    registry.commit_source_sync(source, None)
    return registry.ref_source(uid)


def sign_in(source, *_):
    given = EDataServer.NamedParameters.new()
    given.set(EDataServer.SOURCE_CREDENTIAL_USERNAME, user)
    given.set(EDataServer.SOURCE_CREDENTIAL_PASSWORD, password)
    source.invoke_authenticate(given, None, lambda s, result: s.invoke_authenticate_finish(result))


def until(what, holds, seconds=30):
    loop, outcome = GLib.MainLoop(), []

    def look():
        if holds():
            outcome.append(True)
            loop.quit()
            return False
        return True

    GLib.timeout_add(50, look)
    end = GLib.timeout_add_seconds(seconds, loop.quit)
    loop.run()
    GLib.source_remove(end) if outcome else sys.exit("waited for " + what)


source = caldav_source("davit")
source.connect("credentials-required", sign_in)
connected = []
ECal.Client.connect(source, ECal.ClientSourceType.EVENTS, 30, None, lambda _, result: connected.append(ECal.Client.connect_finish(result)))
until("a connection", lambda: connected)
client = connected[0]


def shown():
    client.refresh_sync(None)
    return sorted(c.get_summary() for c in client.get_object_list_sync("#t", None)[1])


def step(name, *args):
    if name == "shown":
        until("events", lambda: shown() == sorted(args))
        return shown()
    if name == "add":
        return client.create_object_sync(ICalGLib.Component.new_from_string(args[0]), ECal.OperationFlags.NONE, None)[1]
    if name == "rename":
        item = client.get_object_sync(args[0], None, None)[1]
        item.set_summary(args[1])
        return client.modify_object_sync(item, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)
    if name == "remove":
        return client.remove_object_sync(args[0], None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)


for line in sys.stdin:
    print(json.dumps(step(*json.loads(line))), flush=True)
