"""A picture that can be turned, in a real browser, from files alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from netlens.internals.projection import Projection
from netlens.publish import turning
from netlens.views import space

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
STATIC = Path(__file__).parents[2] / "book" / "_static"
SOFTWARE = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,  # the driver of the browser is another process
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with a still picture, and far below it the scene in its place."""
    folder = tmp_path_factory.mktemp("site")
    draw = np.random.default_rng(0)
    points, labels = draw.normal(size=(60, 3)), np.arange(60) % 3
    found = Projection(points, labels, labels, np.arange(60), ("a", "b", "c"), "fc", 9, "pca", (0.5, 0.2, 0.1), 0.9, 0.8)
    data, metadata = space(found)._repr_mimebundle_()
    part = turning.scene({"data": data, "metadata": metadata})
    still = '<img alt="still" width="300" height="200">'
    body = f'<div style="height: 4000px"></div><div class="cell"><figure>{still}</figure></div><div class="cell">{part}</div>'
    (folder / "notebooks").mkdir()
    style = '<link rel="stylesheet" href="../_static/netlens.css">'
    page = folder / "notebooks" / "page.html"
    page.write_text(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{style}</head><body><main class="bd-article">{body}</main></body></html>'
    )
    shutil.copytree(STATIC, folder / "_static")
    turning.copy_program([{"page": part}], folder / "_static")
    return page.as_uri()


@pytest.fixture
def page(request):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=getattr(request, "param", SOFTWARE))
        yield browser.new_page(viewport={"width": 900, "height": 700})
        browser.close()


def test_the_scene_takes_the_place_of_the_picture_when_it_comes_near(page, address):
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    assert not any(turning.PROGRAM in url for url in asked), "nothing is loaded before it is needed"
    page.evaluate("document.querySelector('.turning').scrollIntoView()")
    page.wait_for_selector(".turning-scene canvas", timeout=60_000)
    page.wait_for_selector("img.turning-still", state="hidden", timeout=60_000)
    assert any(turning.PROGRAM in url for url in asked)
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    eye = "() => document.querySelector('.turning-scene').layout.scene.camera.eye.x"
    before = page.evaluate(eye)
    page.get_by_role("button", name="Turn left").click()
    page.wait_for_function(f"before => ({eye})() !== before", arg=before)
    assert errors == []


@pytest.mark.parametrize("page", [["--no-sandbox", "--disable-gpu", "--disable-3d-apis"]], indirect=True)
def test_without_three_dimensions_the_picture_stays(page, address):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.evaluate("document.querySelector('.turning').scrollIntoView()")
    page.wait_for_timeout(1000)
    assert page.locator(".turning-scene").is_hidden()
    assert page.locator("figure img").is_visible()
    assert page.locator("details table").count() == 1
    assert not any(turning.PROGRAM in url for url in asked)


def test_paper_shows_the_still_picture(page, address):
    page.goto(address)
    page.evaluate("document.querySelector('.turning').scrollIntoView()")
    page.wait_for_selector("img.turning-still", state="hidden", timeout=60_000)
    page.emulate_media(media="print")
    assert page.locator("figure img").is_visible()
    assert page.locator(".turning-scene").is_hidden()
