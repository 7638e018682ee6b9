// EasyPhoto Video in the WebUI's page. The tab is not there yet, so nothing runs here.
