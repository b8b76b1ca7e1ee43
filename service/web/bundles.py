"""Bundle the modules of each page into one file.

A browser that follows the imports itself finds the modules one after the other, and waits for the
network each time. esbuild takes 0.1 s for all pages. So the server bundles them whenever it starts
after a change, and the bundles are never older than the modules.

`python -m service.web.bundles` makes the bundles without starting a server, for an image.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

WEB = Path(__file__).parent
ESBUILD = WEB.parent.parent / "bin" / "esbuild"
VERSION_LENGTH = 12  # hexadecimal digits
# Browsers from 2023 on. They have everything that the modules use, so esbuild only minifies.
TARGET = "es2023"
# A map shows the modules in the browser's developer tools. Browsers load it only for these.
OPTIONS = ("--bundle", "--format=esm", "--minify", "--sourcemap", f"--target={TARGET}")
# What is loaded before the module of a page.
EARLY = ("js/predict/first.js",)
STYLE = "style.css"
# Plot is as large as all pages together. Each page loads it when it draws its first chart.
PLOT = "js/plot.js"


class BundleError(Exception):
    """The modules cannot be bundled; the message says why."""


def bundle(web: Path = WEB) -> Path:
    """Return the folder with all static files, in which each page's module is bundled.

    The name of the folder is a hash of everything it is made from. If it exists, it is current.

    Parameters
    ----------
    web
        The folder with `static`, `templates`, and what `bin/vendor-assets` puts into `vendor`.

    Raises
    ------
    BundleError
        `bin/vendor-assets` has not been run, or a module has an error.
    """
    version = _version(web)
    folder = web / "bundles" / version
    if folder.is_dir():
        return folder
    folder.parent.mkdir(exist_ok=True)
    older = [
        path
        for path in folder.parent.iterdir()
        # Another process may have made `folder` in the meantime.
        if len(path.name) == VERSION_LENGTH and path != folder
    ]
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as scratch:
        new = Path(scratch) / version
        _run_esbuild(web, new)
        for file in (web / "static").iterdir():
            if file.is_file() and file.name != STYLE:
                shutil.copy(file, new)
        shutil.copy(web / "vendor" / "plot.js", new / PLOT)
        try:
            new.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process has not made it in the meantime
                raise
    for path in older:
        shutil.rmtree(path, ignore_errors=True)
    return folder


def _version(web: Path) -> str:
    """Return a hash of the static files, of what was vendored, and of this module."""
    everything = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted([*web.glob("static/**/*"), *web.glob("templates/*"), *web.glob("vendor/*")]):
        if path.is_file():
            name = path.relative_to(web).as_posix()
            everything.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return everything.hexdigest()[:VERSION_LENGTH]


def _run_esbuild(web: Path, folder: Path) -> None:
    """Bundle each module that has the name of a template, and minify the style sheet."""
    names = [f"js/{template.stem}.js" for template in sorted((web / "templates").iterdir())]
    pages = [name for name in names if (web / "static" / name).is_file()]
    options = [*OPTIONS, "--external:./plot.js", f"--outdir={folder}", "--outbase=."]
    try:
        subprocess.run(
            [ESBUILD, *pages, *EARLY, STYLE, *options, "--log-level=warning"],
            cwd=web / "static",
            check=True,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise BundleError(f"{ESBUILD} is missing. Run bin/vendor-assets.") from None
    except subprocess.CalledProcessError as error:
        raise BundleError(f"esbuild cannot bundle the pages:\n{error.stderr}") from error


if __name__ == "__main__":
    print(bundle())
