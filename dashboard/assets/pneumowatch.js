// Small things that only the browser can do: the window's title, and where reading goes on
// after a link inside the application was followed.
window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.pneumowatch = {
  arrived: null,
  arrive: function (_heading, path) {
    const heading = document.querySelector("#heading h1");
    const title = heading ? heading.textContent : "No such page";
    document.title = title + " · PneumoWatch";
    const main = document.getElementById("main");
    if (this.arrived !== null && this.arrived !== path && main) {
      main.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    this.arrived = path;
    return "";
  },
};
