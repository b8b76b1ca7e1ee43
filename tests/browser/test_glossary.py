"""Terms are explained where they occur, and in the glossary."""

from playwright.sync_api import expect


def test_a_term_is_explained_under_the_pointer_and_the_focus(open_page):
    page = open_page("/ui/mathematics")
    logits = page.locator("a.term[href$='#logit']")
    meaning = logits.locator(".tip")
    expect(meaning).to_be_hidden()
    logits.hover()
    expect(meaning).to_be_visible()
    expect(meaning).to_be_in_viewport(ratio=1)
    page.mouse.move(0, 0)
    expect(meaning).to_be_hidden()
    logits.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(meaning).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#logit")).to_be_in_viewport()
    assert page.url.endswith("/ui/glossary#logit")


def test_a_script_explains_terms_too(open_page):
    page = open_page("/ui/mathematics")
    nats = page.locator("#softmax-loss a.term[href$='#nat']")
    nats.hover()
    expect(nats.locator(".tip")).to_contain_text("if logarithms are natural")


def test_every_page_leads_to_the_glossary_and_the_api(open_page):
    page = open_page("/")
    page.click("footer >> text=Glossary")
    expect(page.locator("h1")).to_have_text("Glossary")
    page.click("nav >> text=API")
    expect(page.locator("h1")).to_have_text("API")
