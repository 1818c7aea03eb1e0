
"use strict";
/* Comfort only: filters for long lists, links that open what they point to. Without it nothing is missing. */
(function () {
	function make(name, attributes, text) {
		var e = document.createElement(name);
		for (var k in attributes)
			e.setAttribute(k, attributes[k]);
		if (text)
			e.textContent = text;
		return e;
	}
	function bar(section) {
		var b = section.querySelector(".bar");
		if (!b) {
			b = make("div", { "class": "bar" });
			section.insertBefore(b, section.querySelector("h2").nextSibling);
		}
		return b;
	}
	document.querySelectorAll("[data-filter]").forEach(function (section) {
		var items = section.querySelectorAll(section.getAttribute("data-filter"));
		if (items.length < 4)
			return;
		var input = make("input", { type: "search", placeholder: "Filter " + items.length + " entries", "aria-label": "Filter" });
		var count = make("span", { "class": "soft", role: "status" });
		var timer = 0;
		bar(section).append(input, count);
		function apply() {
			var want = input.value.toLowerCase(), n = 0;
			items.forEach(function (item) {
				var hit = item.textContent.toLowerCase().indexOf(want) >= 0;
				item.hidden = !hit;
				n += hit;
			});
			if (want)
				section.querySelectorAll("details.all").forEach(function (d) { d.open = true; });
			count.textContent = want ? n + " of " + items.length : "";
		}
		input.addEventListener("input", function () {
			clearTimeout(timer);
			timer = setTimeout(apply, 120);
		});
	});
	var stacks = document.getElementById("stacks");
	if (stacks && stacks.querySelectorAll("details").length > 2)
		[["Open all", true], ["Close all", false]].forEach(function (z) {
			var button = make("button", { type: "button" }, z[0]);
			button.addEventListener("click", function () {
				stacks.querySelectorAll("details").forEach(function (d) { d.open = z[1]; });
			});
			bar(stacks).append(button);
		});
	function reveal() {
		var at = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
		if (at && at.tagName === "DETAILS")
			at.open = true;
	}
	window.addEventListener("hashchange", reveal);
	reveal();
})();
