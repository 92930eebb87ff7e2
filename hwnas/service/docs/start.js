// The documentation of this server's own description; nothing is loaded from elsewhere.
window.ui = SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null });
