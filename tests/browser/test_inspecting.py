"""Look into a model: its mistakes, and the test images as its layers represent them."""

from playwright.sync_api import expect


def test_mistakes_are_filtered_and_open_in_predict(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    page.locator("#mistakes-title").scroll_into_view_if_needed()
    tiles = page.locator("#mistakes li")
    expect(tiles).to_have_count(24)
    page.select_option("#mistakes-true", label="4")
    expect(tiles.first).to_contain_text("4 read as")
    page.locator("#mistakes-more").click()
    expect(tiles.nth(24)).to_contain_text("4 read as")
    expect(tiles.nth(24).locator("a")).to_be_focused()
    link = tiles.first.locator("a").get_attribute("href")
    assert link.startswith("/ui/predict?sample=mnist-")
    assert link.endswith(f"&models={models['mnist']}")


def test_test_images_are_projected_by_each_layer(open_page, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    page.locator("#projection-title").scroll_into_view_if_needed()
    figure = page.locator("#projection")
    expect(figure.get_by_role("radio")).to_have_count(4)
    expect(figure).to_contain_text("of the variance")
    before = figure.locator(".scatter p").nth(1).inner_text()
    figure.get_by_role("radio", name="hidden layer 1").check()
    expect(figure.locator(".scatter p").nth(1)).not_to_have_text(before)
    figure.get_by_role("slider").press("ArrowRight")
    expect(figure).to_contain_text("Test image 1, 2.")
