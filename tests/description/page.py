"""The page of the description in a browser: `check.py` runs it.

    python page.py URL TOKEN
    python page.py --find

The second only looks for a browser. The first opens URL/v1/ecs/docs in headless Chromium and demands: every operation of
openapi.json is there, nothing is written to the console, no other host is asked, "try it" shows the answer of
`GET /{account}/clusters`, and the page looks like page.png.

The browser is the one that npm brings (see unpack_chromium.js), or an installed one where that does not run; the font is
always npm's.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
PICTURE = HERE / "page.png"
TAKEN = HERE / "generated" / "page.png"
UNPACKED = HERE / "node_modules" / ".chromium"
INSTALLED = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DIFFERENCE_MAX = 4.0
"""How far a picture may be from the other, for each pixel and colour of a coarse image, from 0 to 255: browsers differ, and
the page's text changes with the API.

Another font makes a difference of 1 to 3.5; a page without operations 4.5, an empty one 10, one without styles 12."""

COMPARE = """
async ([one, other]) => {
    const coarse = async (picture) => {
        const image = new Image();
        image.src = "data:image/png;base64," + picture;
        await image.decode();
        const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.imageSmoothingQuality = "high";
        context.drawImage(image, 0, 0, 32, 32);
        return context.getImageData(0, 0, 32, 32).data;
    };
    const [first, second] = [await coarse(one), await coarse(other)];
    return first.reduce((sum, value, index) => sum + Math.abs(value - second[index]), 0) / (first.length * 3 / 4);
}
"""


def browser() -> Path:
    """Return the browser's path."""
    brought = UNPACKED / "chromium"
    runs_here = (platform.system(), platform.machine(), platform.libc_ver()[0]) == ("Linux", "x86_64", "glibc")
    if runs_here and brought.exists() and "CHROMIUM" not in os.environ:
        return brought
    given = os.environ.get("CHROMIUM")
    found = [path for name in ([given] if given else INSTALLED) if (path := shutil.which(name))]
    if not found:
        where = "npm's is for Linux on x86-64 alone; " if brought.exists() else ""
        sys.exit(f"{where}Chromium or Chrome is missing: install it, or name it: CHROMIUM=/path/to/chrome")
    return Path(found[0])


def environment(executable: Path) -> dict[str, str]:
    """Return the browser's environment: with the picture's font alone, and for npm's browser its libraries."""
    own = {"FONTCONFIG_FILE": str(HERE / "fonts.conf")}
    if executable.is_relative_to(UNPACKED):
        own["LD_LIBRARY_PATH"] = str(UNPACKED / "al2023" / "lib")
    return dict(os.environ) | own


def check(page: Page, url: str, token: str) -> None:
    """Open the page, and send the request that it offers."""
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{url}/v1/ecs/docs")
    described = json.loads((HERE.parents[1] / "openapi.json").read_text())["paths"]
    operations = {(method.upper(), path) for path, methods in described.items() for method in methods}
    page.locator(".opblock").nth(len(operations) - 1).wait_for()
    shown = {
        (block.locator(".opblock-summary-method").inner_text(), block.locator("[data-path]").get_attribute("data-path"))
        for block in page.locator(".opblock").all()
    }
    assert shown == operations, shown ^ operations
    picture = page.screenshot(path=TAKEN)

    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("auth-bearer-value").fill(token)
    page.locator(".auth-btn-wrapper button.authorize").first.click()
    page.locator(".auth-btn-wrapper button.btn-done").first.click()
    clusters = page.locator("#operations-Clusters-list_clusters")
    clusters.locator(".opblock-summary-control").click()
    clusters.get_by_role("button", name="Try it out").click()
    clusters.get_by_role("button", name="Execute").click()
    answer = clusters.locator(".live-responses-table .response")
    answer.wait_for()
    assert answer.locator(".response-col_status").inner_text().startswith("200"), answer.inner_text()
    assert "arn:aws:ecs:us-east-1:111122223333:cluster/" in answer.inner_text(), answer.inner_text()
    page.screenshot(path=TAKEN.with_name("tried.png"), full_page=True)

    assert not complaints, complaints
    assert {urlsplit(each).netloc for each in asked} == {urlsplit(url).netloc}, asked
    compare(page, picture)


def compare(page: Page, picture: bytes) -> None:
    """Hold the picture against the one that is checked in."""
    if not PICTURE.exists():
        sys.exit(f"{PICTURE} is missing; {TAKEN} is what the page looks like")
    page.goto("about:blank")
    pictures = [base64.b64encode(each).decode() for each in (PICTURE.read_bytes(), picture)]
    difference = page.evaluate(COMPARE, pictures)
    print(f"the page differs from its picture by {difference:.2f} of 255")
    if difference > DIFFERENCE_MAX:
        sys.exit(f"the page does not look like {PICTURE}; if {TAKEN} is how it should look, put it there")


def main(url: str, token: str) -> None:
    """Run the check in a browser of its own."""
    TAKEN.parent.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        executable = browser()
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS, env=environment(executable))
        page = chromium.new_page(viewport={"width": 1280, "height": 1600})
        page.set_default_timeout(30_000)
        check(page, url, token)
        chromium.close()


if __name__ == "__main__":
    browser() if sys.argv[1:] == ["--find"] else main(*sys.argv[1:])
