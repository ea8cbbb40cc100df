/** Java kernels compiled at run time to OpenCL and CUDA by TornadoVM. */
package org.sae4j.engine.tornado;
