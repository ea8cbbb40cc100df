package org.sae4j.engine.tornado.internal;

/**
 * What a device and this engine's settings allow.
 *
 * @param threadsPerGroup threads of one group
 * @param localBytes local memory of one group
 * @param memoryBytes memory for the programs of an engine
 * @param allocationBytes the largest single array
 * @param sparseCapacity the part of a row's columns that sparse rows have room for, unless the operation says how many there are
 */
record DeviceLimits(int threadsPerGroup, long localBytes, long memoryBytes, long allocationBytes, double sparseCapacity) {}
