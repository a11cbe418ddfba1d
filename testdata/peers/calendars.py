# Drives the library caldav for Python as two people who share a calendar, mia its
# owner and max. It prints what they learnt as JSON.
#
#   python3 calendars.py URL PASSWORD
import datetime
import json
import sys

import caldav

url, password = sys.argv[1:]
utc = datetime.timezone.utc
march, april = datetime.datetime(2026, 3, 1, tzinfo=utc), datetime.datetime(2026, 4, 1, tzinfo=utc)


def calendars_of(user):
    return caldav.DAVClient(url, username=user, password=password).principal()


def named(principal, name):
    return next(c for c in principal.calendars() if c.name == name)


def component(kind, uid, summary, *lines):
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//peers//EN", "BEGIN:" + kind, "UID:" + uid,
                        "DTSTAMP:20260101T000000Z", "SUMMARY:" + summary, *lines, "END:" + kind, "END:VCALENDAR", ""])


def event(uid, summary, start, *lines):
    return component("VEVENT", uid, summary, "DTSTART:" + start, "DURATION:PT1H", *lines)


def summaries(objects):
    found = set()
    for o in objects:
        found.update(line[8:] for line in o.data.splitlines() if line.startswith("SUMMARY:"))
    return sorted(found)


learnt = {}
mia, max = calendars_of("mia"), calendars_of("max")
learnt["Calendars"] = sorted(c.name for c in mia.calendars())
mia.make_calendar(name="Trips", cal_id="trips")
learnt["Made"] = named(mia, "Trips").save_event(event("trip", "Trip", "20260320T080000Z")).url.path

mine, shared = named(mia, "calendar"), named(max, "calendar (mia)")
mine.save_event(event("tea", "Tea", "20260310T090000Z"))
mine.save_event(event("walk", "Walk", "20260311T090000Z"))
mine.save_event(event("run", "Run", "20260302T080000Z", "RRULE:FREQ=WEEKLY;COUNT=10"))
learnt["Found"] = summaries(mine.date_search(datetime.datetime(2026, 3, 9, tzinfo=utc), datetime.datetime(2026, 3, 11, tzinfo=utc), expand=False))
expanded = mine.date_search(march, april, expand=True)
learnt["Instances"] = sum(o.data.count("SUMMARY:Run") for o in expanded)
learnt["ByUID"] = summaries([mine.event_by_uid("walk")])
busy = mine.freebusy_request(march, april).data
learnt["Busy"] = sum(line.count("/") for line in busy.splitlines() if line.startswith("FREEBUSY"))

tasks = named(mia, "tasks")
tasks.save_todo(component("VTODO", "milk", "Milk", "DUE:20260310T090000Z"))
tasks.save_todo(component("VTODO", "bread", "Bread", "STATUS:COMPLETED", "COMPLETED:20260301T000000Z"))
learnt["Tasks"] = summaries(tasks.todos())
learnt["Done"] = summaries(tasks.todos(include_completed=True))

state = mine.objects(load_objects=True)
learnt["Seen"] = summaries(shared.events())
shared.event_by_uid("walk").delete()
theirs = shared.event_by_uid("tea")
theirs.data = theirs.data.replace("Tea", "Cake")
theirs.save()
changed, gone = state.sync()
learnt["Changed"], learnt["Gone"] = summaries(changed), len(list(gone))
named(mia, "Trips").delete()
learnt["Left"] = sorted(c.name for c in mia.calendars())
print(json.dumps(learnt, indent=1))
