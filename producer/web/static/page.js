// What makes the page handier where scripts run; without it, everything works all the same.
"use strict";

// Times in the reader's own zone; the one in UTC stays as a title.
const language = document.documentElement.lang;
const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
function tellTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = moment.format(at);
  }
}
tellTimes(document);

// A form is sent once: whoever waits for an answer sees that it was heard.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
    const waiting = document.createElement("span");
    waiting.className = "waiting";
    waiting.setAttribute("role", "status");
    event.submitter?.after(waiting);
    waiting.textContent = document.body.dataset.wait;
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const waiting of document.querySelectorAll(".waiting")) waiting.remove();
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

// Rows for more attributes come and go without a way to the server and back.
const rows = document.querySelector("#rows");
const numbered = (row, place) => {
  row.setAttribute("aria-label", row.getAttribute("aria-label").replace(/\d+/, place + 1));
  for (const each of row.querySelectorAll("[id], [for], button")) {
    for (const name of ["id", "for", "value"]) {
      if (name === "value" && each.tagName !== "BUTTON") continue;
      const said = each.getAttribute(name);
      if (said) each.setAttribute(name, said.replace(/-\d+/, `-${place}`));
    }
  }
  const hidden = row.querySelector("button .visually-hidden");
  hidden.textContent = hidden.textContent.replace(/\d+/, place + 1);
};
const renumbered = () => rows.querySelectorAll(".row").forEach(numbered);
document.querySelector("button[name=do][value=add]")?.addEventListener("click", (event) => {
  const last = rows?.querySelector(".row:last-child");
  if (!last) return;
  event.preventDefault();
  const row = last.cloneNode(true);
  for (const control of row.querySelectorAll("select, input")) {
    control.value = "";
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
  for (const fault of row.querySelectorAll(".fault")) fault.remove();
  for (const wrong of row.querySelectorAll(".wrong")) wrong.classList.remove("wrong");
  rows.append(row);
  renumbered();
  row.querySelector("select, input").focus();
});
rows?.addEventListener("click", (event) => {
  const button = event.target.closest("button[value^=drop-]");
  if (!button || rows.querySelectorAll(".row").length < 2) return;
  event.preventDefault();
  const row = button.closest(".row");
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  renumbered();
  next.querySelector("select, input").focus();
});

// Whoever is told of faults begins at the first of them.
document.querySelector(".faults")?.focus();
