// EasyPhoto Video in the WebUI's page and in its own: the form in Chinese, and keys for its buttons.
// Nothing here is needed to make a clip.

(function () {
    'use strict';

    const ROOT = 'easyphoto_video';
    const FIXED = 'textarea, script, style, [translate=no], ul[role=listbox], .options, #easyphoto_video_words';
    const ATTRIBUTES = ['placeholder', 'title', 'aria-label'];
    let words = null;

    function root() {
        return document.getElementById(ROOT);
    }

    // The catalogue when the page is to be Chinese, else null; undefined before it has come.
    function easyphoto_video_words() {
        const data = document.querySelector('#easyphoto_video_words [data-words]');
        if (!data) return undefined;
        const language = data.dataset.language || navigator.language || '';
        return language.toLowerCase().startsWith('zh') ? JSON.parse(data.dataset.words) : null;
    }

    function inChinese(text) {
        const english = text.trim();
        return english && Object.hasOwn(words, english) ? text.replace(english, () => words[english]) : null;
    }

    function translateText(node) {
        const chinese = inChinese(node.data);
        if (chinese !== null && !node.parentElement?.closest(FIXED)) node.data = chinese;
    }

    function translateElement(element) {
        for (const name of ATTRIBUTES) {
            const value = element.getAttribute(name);
            const chinese = value === null ? null : inChinese(value);
            if (chinese !== null) element.setAttribute(name, chinese);
        }
    }

    function translate(node) {
        if (node.nodeType === Node.TEXT_NODE) return translateText(node);
        if (node.nodeType !== Node.ELEMENT_NODE) return undefined;
        const walker = document.createTreeWalker(node, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
        for (let each = walker.currentNode; each; each = walker.nextNode()) {
            if (each.nodeType === Node.TEXT_NODE) translateText(each);
            else translateElement(each);
        }
        return undefined;
    }

    // The WebUI's keys ask the buttons' style: block is a run that can be interrupted.
    function showRunning() {
        const progress = document.querySelector('#easyphoto_video_progress [data-easyphoto-video]');
        const display = progress?.dataset.easyphotoVideo === 'running' ? 'block' : '';
        for (const name of ['interrupt', 'skip']) {
            const button = document.getElementById(`${ROOT}_${name}`);
            if (button && button.style.display !== display) button.style.display = display;
        }
    }

    function changed(mutations) {
        for (const mutation of words ? mutations : []) {
            if (mutation.type === 'characterData') translateText(mutation.target);
            else if (mutation.type === 'attributes') translateElement(mutation.target);
            else mutation.addedNodes.forEach(translate);
        }
        showRunning();
    }

    function begin() {
        const here = root();
        const found = easyphoto_video_words();
        if (!here || found === undefined) return false;
        words = found;
        if (words) translate(here);
        showRunning();
        const seen = {subtree: true, childList: true, characterData: true, attributeFilter: ATTRIBUTES};
        new MutationObserver(changed).observe(here, seen);
        return true;
    }

    // The WebUI has keys of its own, for the tab that is open.
    function key(event) {
        if (typeof gradioApp === 'function' || !root()) return;
        const press = (name) => document.getElementById(`${ROOT}_${name}`)?.click();
        const running = document.getElementById(`${ROOT}_interrupt`)?.style.display === 'block';
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) press('generate');
        else if (event.key === 'Enter' && event.altKey) press('skip');
        else if (event.key === 'Escape' && running) press('interrupt');
        else return;
        event.preventDefault();
    }

    // gradio builds the form after the page has come, and builds it anew after a reload of the WebUI.
    function waitForForm() {
        if (begin()) return;
        const waiting = new MutationObserver(() => {
            if (begin()) waiting.disconnect();
        });
        waiting.observe(document.documentElement, {subtree: true, childList: true});
    }

    document.addEventListener('keydown', key, true);
    waitForForm();
})();

// The WebUI calls this by its name when a picture's parameters are sent to the tab.
function switch_to_easyphoto_video() {
    const tabs = document.querySelectorAll('#tabs > .tab-nav > button');
    for (const button of tabs) {
        if (button.textContent.trim() === 'EasyPhoto Video') button.click();
    }
    return Array.from(arguments);
}

// And this one after parameters were pasted, to count tokens anew; the tab counts none.
function recalculate_prompts_easyphoto_video() {
    return Array.from(arguments);
}
