# Finds libtorch and defines the target `understudy_libtorch`, UNDERSTUDY_LIBTORCH_VERSION and UNDERSTUDY_LIBTORCH_LIB_DIR.
#
# find_package(Torch) is not used: the TorchConfig.cmake of a CUDA build insists on the CUDA toolkit, which machines
# with a CUDA wheel of PyTorch seldom have and which we do not need, since we include no CUDA header. It still says
# where libtorch lies and with which C++ ABI it was built, and Caffe2Targets.cmake beside it which parts it contains.

set(_suffixes
  share/cmake/Torch
  lib/${CMAKE_LIBRARY_ARCHITECTURE}/cmake/Torch
  lib64/cmake/Torch
  lib/cmake/Torch)
if(CMAKE_PREFIX_PATH)
  find_file(UNDERSTUDY_TORCH_CONFIG TorchConfig.cmake
    PATHS ${CMAKE_PREFIX_PATH} PATH_SUFFIXES ${_suffixes} NO_DEFAULT_PATH)
  set(_searched "${CMAKE_PREFIX_PATH}")
else()
  find_file(UNDERSTUDY_TORCH_CONFIG TorchConfig.cmake PATHS /usr/local /usr PATH_SUFFIXES ${_suffixes})
  set(_searched "the system folders")
endif()
if(NOT UNDERSTUDY_TORCH_CONFIG)
  message(FATAL_ERROR "No TorchConfig.cmake in ${_searched}. Install libtorch-dev, or set LIBTORCH (CMAKE_PREFIX_PATH) "
    "to a libtorch folder or to the 'torch' folder of a Python environment.")
endif()

# .../share/cmake/Torch -> three levels up; .../lib/x86_64-linux-gnu/cmake/Torch -> four, and the libraries lie two up.
get_filename_component(_config_dir "${UNDERSTUDY_TORCH_CONFIG}" DIRECTORY)
get_filename_component(_two_up "${_config_dir}/../.." ABSOLUTE)
get_filename_component(_three_up "${_config_dir}/../../.." ABSOLUTE)
get_filename_component(_four_up "${_config_dir}/../../../.." ABSOLUTE)

find_path(UNDERSTUDY_TORCH_INCLUDE torch/csrc/api/include/torch/version.h
  PATHS ${_three_up}/include ${_four_up}/include NO_DEFAULT_PATH)
find_library(UNDERSTUDY_TORCH_LIBRARY torch PATHS ${_two_up} ${_three_up}/lib ${_three_up}/lib64 NO_DEFAULT_PATH)
if(NOT UNDERSTUDY_TORCH_INCLUDE OR NOT UNDERSTUDY_TORCH_LIBRARY)
  message(FATAL_ERROR "${UNDERSTUDY_TORCH_CONFIG} belongs to an incomplete libtorch: "
    "torch/csrc/api/include/torch/version.h is in '${UNDERSTUDY_TORCH_INCLUDE}', lib/libtorch.so is '${UNDERSTUDY_TORCH_LIBRARY}'.")
endif()
get_filename_component(UNDERSTUDY_LIBTORCH_LIB_DIR "${UNDERSTUDY_TORCH_LIBRARY}" DIRECTORY)
find_library(UNDERSTUDY_TORCH_CPU_LIBRARY torch_cpu PATHS ${UNDERSTUDY_LIBTORCH_LIB_DIR} NO_DEFAULT_PATH REQUIRED)
find_library(UNDERSTUDY_C10_LIBRARY c10 PATHS ${UNDERSTUDY_LIBTORCH_LIB_DIR} NO_DEFAULT_PATH REQUIRED)
find_library(UNDERSTUDY_TORCH_CUDA_LIBRARY torch_cuda PATHS ${UNDERSTUDY_LIBTORCH_LIB_DIR} NO_DEFAULT_PATH)
find_library(UNDERSTUDY_C10_CUDA_LIBRARY c10_cuda PATHS ${UNDERSTUDY_LIBTORCH_LIB_DIR} NO_DEFAULT_PATH)

# The newest releases keep the numbers in torch/headeronly/version.h.
file(GLOB _version_headers
  "${UNDERSTUDY_TORCH_INCLUDE}/torch/csrc/api/include/torch/version.h"
  "${UNDERSTUDY_TORCH_INCLUDE}/torch/headeronly/version.h")
set(_numbers "")
foreach(_header IN LISTS _version_headers)
  file(STRINGS "${_header}" _lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
  list(APPEND _numbers ${_lines})
endforeach()
list(TRANSFORM _numbers REPLACE ".* ([0-9]+)$" "\\1")
list(JOIN _numbers "." UNDERSTUDY_LIBTORCH_VERSION)
if(NOT UNDERSTUDY_LIBTORCH_VERSION MATCHES "^[0-9]+\\.[0-9]+\\.[0-9]+$")
  message(FATAL_ERROR "No TORCH_VERSION_MAJOR, _MINOR and _PATCH in ${_version_headers}.")
endif()
if(UNDERSTUDY_LIBTORCH_VERSION VERSION_LESS 1.13)
  message(FATAL_ERROR "libtorch ${UNDERSTUDY_LIBTORCH_VERSION} in ${UNDERSTUDY_LIBTORCH_LIB_DIR} is too old: 1.13 is the oldest that serves.")
endif()

# A wheel built with the old libstdc++ ABI mangles std::string differently: we must follow it or nothing links.
file(STRINGS "${UNDERSTUDY_TORCH_CONFIG}" _abi REGEX "_GLIBCXX_USE_CXX11_ABI=[01]")
string(REGEX MATCH "_GLIBCXX_USE_CXX11_ABI=[01]" _abi "${_abi}")

# USE_DISTRIBUTED, USE_C10D_GLOO, ...: c10d's headers are empty without them.
set(_definitions "")
file(GLOB _caffe2_targets "${_config_dir}/../Caffe2/Caffe2Targets.cmake")
if(_caffe2_targets)
  file(STRINGS "${_caffe2_targets}" _lines REGEX "INTERFACE_COMPILE_DEFINITIONS \"[A-Z0-9_;\\\\]+\"")
  foreach(_line IN LISTS _lines)
    string(REGEX MATCHALL "USE_[A-Z0-9_]+" _found "${_line}")
    list(APPEND _definitions ${_found})
  endforeach()
  list(REMOVE_DUPLICATES _definitions)
endif()

# Without --no-as-needed the linker drops the libraries that only register themselves (CUDA kernels, for one).
add_library(understudy_libtorch INTERFACE)
target_include_directories(understudy_libtorch SYSTEM INTERFACE
  "${UNDERSTUDY_TORCH_INCLUDE}" "${UNDERSTUDY_TORCH_INCLUDE}/torch/csrc/api/include")
target_compile_definitions(understudy_libtorch INTERFACE ${_abi} ${_definitions})
target_link_libraries(understudy_libtorch INTERFACE
  -Wl,--no-as-needed ${UNDERSTUDY_TORCH_LIBRARY} ${UNDERSTUDY_TORCH_CPU_LIBRARY} ${UNDERSTUDY_C10_LIBRARY})
if(UNDERSTUDY_TORCH_CUDA_LIBRARY)
  target_link_libraries(understudy_libtorch INTERFACE ${UNDERSTUDY_TORCH_CUDA_LIBRARY} ${UNDERSTUDY_C10_CUDA_LIBRARY})
  set(_device "CUDA")
else()
  set(_device "CPU")
endif()
target_link_libraries(understudy_libtorch INTERFACE -Wl,--as-needed)

message(STATUS "libtorch ${UNDERSTUDY_LIBTORCH_VERSION} (${_device}) in ${UNDERSTUDY_LIBTORCH_LIB_DIR}; ${_abi}; ${_definitions}")
