/* SPDX-License-Identifier: Apache-2.0 */
/* sanitized.h - SANITIZED: this is a build with AddressSanitizer, which takes a stack of our own making for an overflow. */
#ifndef BASE_SANITIZED_H
#define BASE_SANITIZED_H

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#endif
