// Shows how a run goes on. Without it, there is a link that loads the page again.
"use strict";

const live = document.getElementById("live");
const said = document.getElementById("said");
const COME_AGAIN_MS = 5000;
let source = null;

function replace(html) {
  const hadFocus = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const opened = [...live.querySelectorAll("details[open]")].map((each) => each.id);
  live.innerHTML = html;
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  if (hadFocus) live.querySelector(`a[href="${CSS.escape(hadFocus)}"]`)?.focus({ preventScroll: true });
  tellTimes(live);
}

function close() {
  source?.close();
  source = null;
}

// A browser has few connections to one place: a page that nobody sees gives its own back.
function listen() {
  if (document.hidden) return close();
  if (source || live.dataset.over) return;
  source = new EventSource(live.dataset.live);
  source.addEventListener("live", (event) => replace(event.data));
  source.addEventListener("said", (event) => {
    if (said.textContent !== event.data) said.textContent = event.data;
  });
  source.addEventListener("over", () => {
    live.dataset.over = "yes";
    document.getElementById("again").hidden = true;
    close();
  });
  source.addEventListener("gone", () => window.location.reload());
  source.addEventListener("error", lost);
}

// A stream that broke off comes again by itself; one that was refused does not. Then either nobody is signed in any more, and
// the page says so when it is loaded again, or the producer cannot answer now, and is asked a little later.
function lost() {
  if (!source || source.readyState !== EventSource.CLOSED) return;
  close();
  window.setTimeout(() => {
    fetch(window.location.href, { redirect: "manual" })
      .then((answer) => (answer.type === "opaqueredirect" ? window.location.reload() : listen()))
      .catch(lostAgain);
  }, COME_AGAIN_MS);
}

function lostAgain() {
  window.setTimeout(listen, COME_AGAIN_MS);
}

if (live && !live.dataset.over) {
  document.addEventListener("visibilitychange", listen);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", listen);
  listen();
}
