"""A picture of the page for the README: `python tests/service/screenshot.py http://127.0.0.1:8765/ notebooks/page.png`.

Needs a running `hwnas serve`, Chromium and its driver, selenium, pillow; `--dark`, `--width`, `--height` for others.
"""

from __future__ import annotations

import argparse
import io
import shutil
import time

from PIL import Image
from selenium import webdriver


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("out")
    parser.add_argument("--width", type=int, default=1360)
    parser.add_argument("--height", type=int, default=820)
    parser.add_argument("--dark", action="store_true")
    wanted = parser.parse_args()
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    size = {"width": wanted.width, "height": wanted.height, "deviceScaleFactor": 1, "mobile": wanted.width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if wanted.dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(wanted.address)
    dots, layers = ".legend .infeasible", "#network .layers"
    ready = f"return Boolean(document.querySelector('{dots}') && document.querySelector('{layers}'))"
    end = time.monotonic() + 60
    while not browser.execute_script(ready) and time.monotonic() < end:
        time.sleep(0.2)
    picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    browser.quit()
    # 128 colours are enough for a page; a third of the bytes.
    picture.quantize(128, dither=Image.Dither.NONE).save(wanted.out, optimize=True)


if __name__ == "__main__":
    main()
