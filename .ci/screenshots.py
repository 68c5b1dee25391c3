"""Pictures of the dashboard for the documentation, from one that is running.

``python .ci/screenshots.py http://127.0.0.1:8080/dashboard/ [--swarm ID]`` writes docs/images/dashboard-light.png and
-dark.png, and with a swarm also its page. Needs chromium; a picture that is too large for a README is an error.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH, HEIGHT = 1280, 760
MAX_BYTES = 200_000


def main() -> int:
    """Take the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(description="Take pictures of a running dashboard.")
    parser.add_argument("url", help="the address of the overview, which ends in /dashboard/")
    parser.add_argument("--swarm", help="also the page of this swarm")
    parser.add_argument("--to", type=Path, default=IMAGES, help="the folder to write to")
    options = parser.parse_args()
    pages = {"dashboard": options.url}
    if options.swarm:
        pages["dashboard-swarm"] = f"{options.url}swarms/{quote(options.swarm, safe='')}"
    options.to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        sizes = [
            take(browser, url, scheme, options.to / f"{name}-{scheme}.png")
            for name, url in pages.items()
            for scheme in ("light", "dark")
        ]
        browser.close()
    return int(max(sizes) > MAX_BYTES)


def take(browser: Browser, url: str, scheme: str, path: Path) -> int:
    """Take one picture, once the page is live; returns its bytes."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(url)
    page.locator(".is-live").wait_for()
    page.screenshot(path=path)
    context.close()
    size = path.stat().st_size
    print(f"{path}: {size:,} bytes{' is too large' if size > MAX_BYTES else ''}", file=sys.stderr)
    return size


if __name__ == "__main__":
    sys.exit(main())
