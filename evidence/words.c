/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/words.h"

#include <string.h>

void words_add(struct str *out, const char *word)
{
	if (out->len)
		str_addc(out, ' ');
	if (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "_-+=./:,@%<>") == strlen(word)) {
		str_add(out, word);
		return;
	}
	str_addc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			str_add(out, "'\\''");
		else if ((unsigned char)*word < 0x20 || *word == 0x7f)
			str_addf(out, "\\x%02x", (unsigned char)*word);
		else
			str_addc(out, *word);
	}
	str_addc(out, '\'');
}
