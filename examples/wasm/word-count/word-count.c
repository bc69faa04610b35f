/* word-count is a task in C, without any SDK: text on stdin, counts as JSON on
 * stdout, a line on stderr for the log. The text is either as it is (a call with
 * "stdin": "raw") or one JSON string (a call with "input": "…").
 *
 * A word is a run of ASCII letters, digits, bytes of other UTF-8 characters,
 * and apostrophes or hyphens between them. ASCII capitals count as small
 * letters; others stay as they are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOP = 10, MAX_WORD = 64 };

static _Noreturn void die(const char *why) {
	(void)!write(2, "word-count: ", 12);
	(void)!write(2, why, strlen(why));
	(void)!write(2, "\n", 1);
	exit(1);
}

static void *grow(void *p, size_t n) {
	p = realloc(p, n);
	if (p == NULL)
		die("the text needs more memory than there is");
	return p;
}

/* slurp reads all of stdin and gives its length. */
static size_t slurp(unsigned char **text) {
	size_t len = 0, cap = 64 << 10;
	*text = grow(NULL, cap);
	for (;;) {
		ssize_t n = read(0, *text + len, cap - len);
		if (n < 0)
			die("cannot read stdin");
		if (n == 0)
			return len;
		len += (size_t)n;
		if (len == cap)
			*text = grow(*text, cap *= 2);
	}
}

static uint32_t hex(const unsigned char *p, const unsigned char *end) {
	uint32_t v = 0;
	if (end - p < 4)
		die("the JSON string ends within an escape");
	for (int i = 0; i < 4; i++) {
		unsigned char c = p[i] | 0x20;
		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else
			die("the JSON string has an escape that is none");
	}
	return v;
}

static unsigned char *utf8(unsigned char *to, uint32_t c) {
	if (c < 0x80) {
		*to++ = (unsigned char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (unsigned char)(0xC0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (unsigned char)(0xE0 | c >> 12);
		} else {
			*to++ = (unsigned char)(0xF0 | c >> 18);
			*to++ = (unsigned char)(0x80 | (c >> 12 & 0x3F));
		}
		*to++ = (unsigned char)(0x80 | (c >> 6 & 0x3F));
	}
	*to++ = (unsigned char)(0x80 | (c & 0x3F));
	return to;
}

/* unquote decodes a JSON string in place, which never makes it longer. */
static size_t unquote(unsigned char *text, size_t len) {
	const unsigned char *p = text + 1, *end = text + len;
	unsigned char *to = text;
	while (p < end && *p != '"') {
		if (*p != '\\') {
			*to++ = *p++;
			continue;
		}
		if (end - p < 2)
			break;
		const unsigned char escape = p[1];
		p += 2;
		switch (escape) {
		case 'n': *to++ = '\n'; break;
		case 't': *to++ = '\t'; break;
		case 'r': *to++ = '\r'; break;
		case 'b': *to++ = '\b'; break;
		case 'f': *to++ = '\f'; break;
		case 'u': {
			uint32_t c = hex(p, end);
			p += 4;
			if (c >> 10 == 0x36 && end - p > 6 && p[0] == '\\' && p[1] == 'u') {
				uint32_t low = hex(p + 2, end);
				if (low >> 10 == 0x37) {
					c = 0x10000 + ((c & 0x3FF) << 10 | (low & 0x3FF));
					p += 6;
				}
			}
			to = utf8(to, c >> 11 == 0x1B ? 0xFFFD : c);
			break;
		}
		default: *to++ = escape;
		}
	}
	if (p == end || *p != '"')
		die("the JSON string never ends");
	return (size_t)(to - text);
}

struct word {
	const unsigned char *text; /* within the input, in small letters */
	uint32_t len, hash, count;
};

static struct word *table;
static size_t slots, used;

static struct word *find(const unsigned char *text, uint32_t len, uint32_t hash) {
	size_t i = hash & (slots - 1);
	while (table[i].count > 0 && (table[i].hash != hash || table[i].len != len || memcmp(table[i].text, text, len) != 0))
		i = (i + 1) & (slots - 1);
	return &table[i];
}

static void rehash(size_t n) {
	struct word *old = table;
	size_t had = slots;
	table = grow(NULL, n * sizeof *table);
	memset(table, 0, n * sizeof *table);
	slots = n;
	for (size_t i = 0; i < had; i++)
		if (old[i].count > 0)
			*find(old[i].text, old[i].len, old[i].hash) = old[i];
	free(old);
}

static void add(const unsigned char *text, uint32_t len) {
	uint32_t hash = 2166136261u;
	for (uint32_t i = 0; i < len; i++)
		hash = (hash ^ text[i]) * 16777619u;
	if (used * 2 >= slots)
		rehash(slots * 2);
	struct word *w = find(text, len, hash);
	if (w->count++ == 0) {
		w->text = text, w->len = len, w->hash = hash;
		used++;
	}
}

static int letter(unsigned char c) {
	return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* before puts the more frequent first, and of equals the smaller. */
static int before(const struct word *a, const struct word *b) {
	if (a->count != b->count)
		return a->count > b->count;
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
	return order != 0 ? order < 0 : a->len < b->len;
}

static char out[TOP * (MAX_WORD * 2 + 64) + 256];
static size_t outlen;

static void put(const char *s, size_t n) {
	memcpy(out + outlen, s, n);
	outlen += n;
}

static void say(const char *s) { put(s, strlen(s)); }

static void number(size_t n) {
	char digits[20];
	size_t i = sizeof digits;
	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	put(digits + i, sizeof digits - i);
}

int main(void) {
	unsigned char *text;
	size_t len = slurp(&text), lines = 0, words = 0, characters = 0;
	if (len > 0 && (text[0] == '{' || text[0] == '['))
		die("give the text as a JSON string in \"input\", or as it is with \"stdin\": \"raw\"");
	if (len > 0 && text[0] == '"')
		len = unquote(text, len);
	rehash(1024);
	for (size_t i = 0; i < len;) {
		if (!letter(text[i])) {
			lines += text[i] == '\n';
			characters++;
			i++;
			continue;
		}
		size_t start = i;
		for (; i < len && (letter(text[i]) || ((text[i] == '\'' || text[i] == '-') && i + 1 < len && letter(text[i + 1]))); i++) {
			characters += (text[i] & 0xC0) != 0x80;
			if (text[i] >= 'A' && text[i] <= 'Z')
				text[i] |= 0x20;
		}
		words++;
		add(text + start, (uint32_t)(i - start));
	}

	say("{\"lines\":"), number(lines);
	say(",\"words\":"), number(words);
	say(",\"different\":"), number(used);
	say(",\"characters\":"), number(characters);
	say(",\"bytes\":"), number(len);
	say(",\"top\":[");
	for (int n = 0; n < TOP; n++) {
		struct word *best = NULL;
		for (size_t i = 0; i < slots; i++)
			if (table[i].count > 0 && table[i].len <= MAX_WORD && (best == NULL || before(&table[i], best)))
				best = &table[i];
		if (best == NULL)
			break;
		say(n > 0 ? ",{\"word\":\"" : "{\"word\":\"");
		put((const char *)best->text, best->len); /* letters need no escape */
		say("\",\"count\":"), number(best->count);
		say("}");
		best->count = 0;
	}
	say("]}\n");
	size_t result = outlen;
	say("word-count: "), number(words), say(" words\n");
	(void)!write(2, out + result, outlen - result);
	for (size_t done = 0; done < result;) {
		ssize_t n = write(1, out + done, result - done);
		if (n < 0)
			die("cannot write the result");
		done += (size_t)n;
	}
	return 0;
}
