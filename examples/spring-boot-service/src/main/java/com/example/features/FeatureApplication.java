package com.example.features;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** The service. */
@SpringBootApplication
public class FeatureApplication {
    /**
     * Starts the service.
     *
     * @param args Spring's options
     */
    public static void main(String[] args) {
        SpringApplication.run(FeatureApplication.class, args);
    }
}
