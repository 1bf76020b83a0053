#define UNDERSTUDY_LANES 4
#include "inference/step_draw.h"

namespace understudy {

StepKernelSet step_portable() { return {kernels_of<Single>(), kernels_of<Paired>()}; }

}  // namespace understudy
