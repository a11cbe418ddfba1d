// Drives the npm package tsdav as two people who share a calendar, mia its owner
// and max. It prints what they learnt as JSON.
//
//   node tsdav.mjs PACKAGE_FOLDER URL PASSWORD
import { readFileSync } from "node:fs";
const [packageFolder, serverUrl, password] = process.argv.slice(2);
const { module, main } = JSON.parse(readFileSync(packageFolder + "/package.json"));
const { createDAVClient } = await import(packageFolder + "/" + (module ?? main));

const person = (username) =>
  createDAVClient({ serverUrl, credentials: { username, password }, authMethod: "Basic", defaultAccountType: "caldav" });
const named = async (client, name) => (await client.fetchCalendars()).find((c) => c.displayName === name);
const component = (kind, uid, summary, ...lines) =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//peers//EN", "BEGIN:" + kind, "UID:" + uid, "DTSTAMP:20260101T000000Z",
    "SUMMARY:" + summary, ...lines, "END:" + kind, "END:VCALENDAR", ""].join("\r\n");
const event = (uid, summary, start, ...lines) => component("VEVENT", uid, summary, "DTSTART:" + start, "DURATION:PT1H", ...lines);
const summaries = (objects) =>
  [...new Set(objects.flatMap((o) => [...o.data.matchAll(/SUMMARY:(\w+)/g)].map((m) => m[1])))].sort();
const make = (client, calendar, uid, iCalString) => client.createCalendarObject({ calendar, filename: uid + ".ics", iCalString });

const learnt = {};
const mia = await person("mia");
const max = await person("max");
learnt.Calendars = (await mia.fetchCalendars()).map((c) => c.displayName).sort();
const home = mia.account?.homeUrl ?? (await mia.createAccount({ account: { serverUrl, accountType: "caldav" } })).homeUrl;
await mia.makeCalendar({ url: home + "trips/", props: { displayname: "Trips" } });
const trips = await named(mia, "Trips");
learnt.Made = new URL((await make(mia, trips, "trip", event("trip", "Trip", "20260320T080000Z"))).url).pathname;

const mine = await named(mia, "calendar");
const shared = await named(max, "calendar (mia)");
await make(mia, mine, "tea", event("tea", "Tea", "20260310T090000Z"));
await make(mia, mine, "walk", event("walk", "Walk", "20260311T090000Z"));
await make(mia, mine, "run", event("run", "Run", "20260302T080000Z", "RRULE:FREQ=WEEKLY;COUNT=10"));
const fetched = (calendar, start, end, expand) => mia.fetchCalendarObjects({ calendar, timeRange: { start, end }, expand });
learnt.Found = summaries(await fetched(mine, "2026-03-09T00:00:00Z", "2026-03-11T00:00:00Z", false));
const expanded = await fetched(mine, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", true);
learnt.Instances = expanded.reduce((n, o) => n + o.data.split("SUMMARY:Run").length - 1, 0);

const before = await mia.fetchCalendarObjects({ calendar: mine });
const local = { ...mine, objects: before };
learnt.Seen = summaries(await max.fetchCalendarObjects({ calendar: shared }));
const theirs = await max.fetchCalendarObjects({ calendar: shared });
const tea = theirs.find((o) => o.data.includes("Tea"));
await max.deleteCalendarObject({ calendarObject: theirs.find((o) => o.data.includes("Walk")) });
await max.updateCalendarObject({ calendarObject: { ...tea, data: tea.data.replace("Tea", "Cake") } });
const synced = await mia.smartCollectionSync({ collection: { ...local, objectMultiGet: mia.calendarMultiGet }, method: "webdav", detailedResult: true });
learnt.Changed = summaries(synced.objects.updated);
learnt.Gone = synced.objects.deleted.length;
const stale = before.find((o) => o.data.includes("Tea"));
learnt.Refused = (await mia.updateCalendarObject({ calendarObject: { ...stale, data: stale.data.replace("Tea", "Soup") } })).status;
console.log(JSON.stringify(learnt, null, 1));
