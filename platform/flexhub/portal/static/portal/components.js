/*
 * What unfold's components need to work under a content security policy without 'unsafe-eval' and inline styles.
 * Loaded after htmx and before Alpine, which starts once the page is parsed.
 */

// Neither inline styles nor code from attributes; and no copies of pages in the browser's storage, where they would
// outlast the session of the person who saw them.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  historyCacheSize: 0,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
});

document.addEventListener("alpine:init", () => {
  "use strict";

  // All that unfold's expressions ask of the browser, and the functions of its app.js. Each is looked up when it is
  // used, since some pages leave parts out.
  const storage = {
    getItem: (key) => localStorage.getItem(key),
    setItem: (key, value) => localStorage.setItem(key, value),
  };
  const globals = {
    get getCurrentTab() { return getCurrentTab; },
    get localStorage() { return storage; },
    get moveRecords() { return moveRecords; },
    get searchCommand() { return searchCommand; },
    get searchDropdown() { return searchDropdown; },
    get searchForm() { return searchForm; },
    get sortRecords() { return sortRecords; },
    get theme() { return theme; },
    get window() { return { location: { pathname: location.pathname, search: location.search } }; },
  };

  /* In place of Alpine's own evaluator, with the same contract: an expression is a text, or a function of a component. */
  function evaluatorOf(element, expression) {
    const stack = [{ $el: element }, ...Alpine.closestDataStack(element)];
    return (receive = () => {}, { scope = {}, params = [] } = {}) => {
      const whole = Alpine.mergeProxies([scope, ...stack]);
      try {
        const isText = typeof expression === "string";
        deliver(isText ? valueOf(expression, whole, params) : expression.apply(whole, params), receive);
      } catch (error) {
        console.error(`${expression}: ${error.message}`, element);
      }
    };
  }

  function valueOf(text, scope, params) {
    const value = flexhubExpressions.compile(text, globals)(scope);
    return typeof value === "function" ? value.apply(scope, params) : value;
  }

  function deliver(value, receive) {
    if (value instanceof Promise) {
      value.then(receive);
    } else {
      receive(value);
    }
  }

  Alpine.setEvaluator(evaluatorOf);
});
