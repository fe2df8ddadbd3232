// Shows the description that stands beside this page, whatever the host, the stage's prefix, or a slash at the end.
SwaggerUIBundle({
  url: location.pathname.replace(/\/docs\/?$/, "/openapi.json"),
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1, // AWS's hundreds of types are shown where they are used
  validatorUrl: null, // asks no other host
});
