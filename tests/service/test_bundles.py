import re
import shutil

import pytest

from service.web.bundles import WEB, BundleError, bundle


@pytest.fixture
def web(tmp_path):
    """Copy everything that the bundles are made from."""
    for name in ("static", "templates", "vendor"):
        shutil.copytree(WEB / name, tmp_path / name, copy_function=shutil.copyfile)
    return tmp_path


def bundle_of(page, folder):
    return (folder / "js" / f"{page}.js").read_text()


def test_a_page_loads_one_module_and_later_plot(web):
    folder = bundle(web)
    pages = [path for path in (folder / "js").glob("*.js") if path.name != "plot.js"]
    assert {"jobs", "model", "system"} <= {path.stem for path in pages}
    for path in pages:
        module = path.read_text()
        assert not re.search(r"(?:^|;)import\b[^(]", module, re.MULTILINE)  # static imports
        assert set(re.findall(r'\bimport\("(.+?)"\)', module)) <= {"./plot.js"}
    assert 'import("./plot.js")' in bundle_of("job", folder)
    assert (folder / "js" / "plot.js").stat().st_size > 100_000


def test_a_change_gives_new_bundles_and_removes_the_old_ones(web):
    before = bundle(web)
    assert bundle(web) == before
    with (web / "static" / "js" / "numbers.js").open("a") as module:
        module.write('performance.mark("a new mark");\n')
    after = bundle(web)
    assert "a new mark" in bundle_of("jobs", after)
    assert list(after.parent.iterdir()) == [after]


def test_bundles_that_exist_are_not_made_again(web, monkeypatch):
    folder = bundle(web)
    monkeypatch.setattr("service.web.bundles.ESBUILD", web / "none")
    assert bundle(web) == folder


@pytest.mark.parametrize("text", ["const = 1;", 'import "./none.js";'])
def test_an_error_in_a_module_is_reported_with_its_place(web, text):
    (web / "static" / "js" / "jobs.js").write_text(text)
    with pytest.raises(BundleError, match=r"js/jobs\.js:1:"):
        bundle(web)
    assert list((web / "bundles").iterdir()) == []


def test_a_missing_bundler_is_reported_with_the_remedy(web, monkeypatch):
    monkeypatch.setattr("service.web.bundles.ESBUILD", web / "none")
    with pytest.raises(BundleError, match=r"Run bin/vendor-assets"):
        bundle(web)
