"""Save screenshots of every page of a new installation: light and dark, wide and narrow.

python -m tests.browser.screenshots FOLDER [PAGE ...]
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.browser import Watched, chromium
from tests.browser.test_sweeps import start, wait_for
from tests.processes import stack_in, wait_until

LOADING = (
    "#cell:empty, .hists .chart:empty, div.tile, .strip canvas:not([width]), #check-table:empty"
)
EPOCHS = 12  # epochs that the running training finishes before the screenshots
COLOURS = 128  # enough for a page; a file with a palette is a third as large


def photograph(watched: Watched, path: str, file: Path) -> None:
    """Save a screenshot of the whole page."""
    page = watched.open(path)
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 600):  # some parts load only when they are near the view
        page.evaluate(f"scrollTo(0, {top})")
        page.wait_for_timeout(80)
    wait_until(lambda: page.locator(LOADING).count() == 0, what=f"{path} to be drawn")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(800)
    page.screenshot(path=file, full_page=True)
    with Image.open(file) as screenshot:
        small = screenshot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(file, optimize=True)
    print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


def main(folder: Path, *wanted: str) -> None:
    """Train three models and a sweep, start two more trainings, and save screenshots of pages."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        stack_in(Path(name)) as stack,
        chromium() as browser,
    ):
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        started = [
            stack.train(recipe="mnist-numpy-published"),
            stack.train(recipe="mnist-numpy"),
            stack.train(recipe="fashion-mnist-torch", epochs=15),
        ]
        done = [stack.wait_for(job["id"], seconds=600) for job in started]
        sweep = start(stack, epochs=8, trials=20, pruner="median")
        wait_for(stack, sweep)
        running = stack.train(recipe="fashion-mnist-torch", seed=1)
        stack.train(recipe="mnist-numpy", hidden_sizes=[64], seed=1)
        published, digits, clothes = (job["model"] for job in done)
        pages = {
            "jobs": "/",
            "job": f"/ui/jobs/{running['id']}",
            "sweeps": "/ui/sweeps",
            "sweep": f"/ui/sweeps/{sweep}",
            "data": "/ui/data",
            "data-set": "/ui/data/fashion-mnist",
            "models": f"/ui/models?compare={digits},{published}",
            "model": f"/ui/models/{clothes}",
            "model-mnist": f"/ui/models/{digits}",
            "predict": f"/ui/predict?models={digits},{published}",
            "predict-boot": f"/ui/predict?models={clothes},{digits}&sample=fashion-mnist-0",
            "playground": "/ui/playground",
            "mathematics": "/ui/mathematics",
            "system": "/ui/system",
            "docs": "/docs",
            "glossary": "/ui/glossary",
        }
        wait_until(lambda: len(stack.job(running["id"])["history"]) > EPOCHS, seconds=300)
        for page, path in pages.items():
            if wanted and page not in wanted:
                continue
            for mode in ("light", "dark"):
                for width in (1280, 375):
                    phone = {"is_mobile": True, "has_touch": True} if width < 500 else {}
                    watched = Watched(
                        browser,
                        stack.url,
                        color_scheme=mode,
                        viewport={"width": width, "height": 800},
                        **phone,
                    )
                    photograph(watched, path, folder / f"{page}-{width}-{mode}.png")
                    watched.close()
                    for fault in watched.faults:
                        print(f"{page} {mode} {width}: {fault}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
