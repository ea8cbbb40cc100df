/**
 * sae4j in a Spring Boot application: an {@link org.sae4j.api.engine.Engine}, and a bean for each model and autoencoder that the properties
 * name, see {@link org.sae4j.spring.Sae4jProperties}.
 */
@NullMarked
package org.sae4j.spring;

import org.jspecify.annotations.NullMarked;
