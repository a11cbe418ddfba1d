// What the test has Thunderbird do, by the objects that its own windows use. The
// last argument takes the outcome; the first names the step.
const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
const { CalEvent } = ChromeUtils.importESModule("resource:///modules/CalEvent.sys.mjs");

const calendarCalled = (name) => cal.manager.getCalendars().find((c) => c.name === name);
const all = (calendar) => calendar.getItemsAsArray(Ci.calICalendar.ITEM_FILTER_ALL_ITEMS, 0, null, null);
const itemOf = async (name, uid) => (await all(calendarCalled(name))).find((item) => item.id === uid);

const steps = {
  // discover finds the calendars at an address and subscribes to all of them.
  async discover(url, user, password) {
    const found = await cal.provider.detection.detect(user, password, url, true, [], {});
    for (const calendar of [...found.values()].flat()) cal.manager.registerCalendar(calendar);
    return cal.manager.getCalendars().filter((c) => c.type === "caldav").map((c) => c.name + (c.readOnly ? " read-only" : "")).sort();
  },
  // shown asks the server what changed, and tells what is known by then.
  async shown(name) {
    const calendar = calendarCalled(name);
    calendar.refresh();
    return (await all(calendar)).map((item) => item.title).sort();
  },
  async add(name, text) {
    await calendarCalled(name).addItem(new CalEvent(text));
  },
  async rename(name, uid, title) {
    const old = await itemOf(name, uid);
    const item = old.clone();
    item.title = title;
    await calendarCalled(name).modifyItem(item, old);
  },
  async remove(name, uid) {
    await calendarCalled(name).deleteItem(await itemOf(name, uid));
  },
};

const [step, ...rest] = arguments;
const resolve = rest.pop();
steps[step](...rest).then((value) => resolve({ value }), (e) => resolve({ error: String(e) + "\n" + e.stack }));
