'use strict';
(() => {
  const listing = document.getElementById('listing');
  const status = document.getElementById('say');
  const here = listing.dataset.here;
  const words = {
    401: 'You are no longer signed in.',
    403: 'You are not allowed to do this here.',
    404: 'It is no longer there.',
    405: 'This name is taken.',
    408: 'The upload stood still for too long.',
    409: 'The folder it belongs in is no longer there, or the name cannot be used.',
    412: 'Something of this name is there already.',
    413: 'The file is larger than you may store.',
    423: 'Somebody is working on it and has locked it.',
    429: 'Too many uploads at once. Try again in a moment.',
    503: 'The server is busy. Try again in a moment.',
    507: 'There is not enough room left.',
  };
  const say = (text) => { status.textContent = text; };

  // refusal tells an answer in words, with the number under which it is kept.
  const refusal = (name, answer) => {
    const id = answer.headers.get('Davit-Decision');
    const why = words[answer.status] || 'The server answered ' + answer.status + '.';
    return name + ': ' + why + (id ? ' Your administrator can look up why, under decision ' + id + '.' : '');
  };

  // ask sends a request and tells whether it was carried out.
  const ask = async (name, method, url, options) => {
    try {
      const answer = await fetch(url, { method, ...options });
      if (answer.ok) return true;
      say(refusal(name, answer));
    } catch {
      say(name + ': The server cannot be reached.');
    }
    return false;
  };
  const then = (done) => { if (done) location.reload(); };

  const put = async (file) => {
    const url = here + encodeURIComponent(file.name);
    say('Uploading ' + file.name + ' …');
    let answer = await fetch(url, { method: 'PUT', body: file, headers: { 'If-None-Match': '*' } });
    if (answer.status === 412 && confirm(file.name + ' is there already. Replace it?')) {
      answer = await fetch(url, { method: 'PUT', body: file });
    }
    return answer.ok ? '' : refusal(file.name, answer);
  };

  // upload sends files one after the other and goes on after a refusal.
  const upload = async (files) => {
    const refused = [];
    for (const file of files) {
      try {
        const why = await put(file);
        if (why) refused.push(why);
      } catch {
        refused.push(file.name + ': The upload broke off.');
      }
    }
    if (refused.length) say(refused.join(' '));
    else then(files.length > 0);
  };

  const rename = async (button) => {
    const old = button.dataset.name;
    const name = prompt('New name for ' + old, old);
    if (!name || name === old) return;
    const slash = button.dataset.rename.endsWith('/') ? '/' : '';
    const headers = { Destination: location.origin + here + encodeURIComponent(name) + slash, Overwrite: 'F' };
    then(await ask(name, 'MOVE', button.dataset.rename, { headers }));
  };

  const remove = async (button) => {
    if (confirm('Delete ' + button.dataset.name + '?')) {
      then(await ask(button.dataset.name, 'DELETE', button.dataset.delete));
    }
  };

  listing.addEventListener('click', (e) => {
    if (e.target.dataset.rename) rename(e.target);
    if (e.target.dataset.delete) remove(e.target);
  });

  if ('add' in listing.dataset) {
    document.getElementById('files').addEventListener('change', (e) => upload([...e.target.files]));
    document.getElementById('mkdir').addEventListener('click', async () => {
      const name = prompt('Name of the new folder');
      if (name) then(await ask(name, 'MKCOL', here + encodeURIComponent(name) + '/'));
    });
    document.addEventListener('dragover', (e) => {
      e.preventDefault();
      document.body.classList.add('over');
    });
    document.addEventListener('dragleave', () => document.body.classList.remove('over'));
    document.addEventListener('drop', (e) => {
      e.preventDefault();
      document.body.classList.remove('over');
      const folders = [...e.dataTransfer.items].some((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()?.isDirectory);
      if (folders) say('Folders cannot be dropped here. Make the folder, and drop its files there.');
      else upload([...e.dataTransfer.files]);
    });
  }
  document.body.classList.add('ready');
})();
