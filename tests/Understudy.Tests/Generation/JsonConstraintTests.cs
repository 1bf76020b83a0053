using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Understudy.Data;
using Understudy.Generation;
using Understudy.Tokenization;
using Encoding = System.Text.Encoding;

namespace Understudy.Tests.Generation;

public sealed class JsonConstraintTests
{
    private static readonly string[] Texts = ["text", "label", "a b", "é", "quote\"d", "back\\slash/", "😀", "new\nline", "日本語", "\u0001", "id_2"];

    public static TheoryData<string> WithAllBytes => ["neox-style", "roberta-style", "llama3-style", "llama2-style", "variants/unigram-bytes", "variants/bpe-metaspace"];

    [Theory]
    [MemberData(nameof(WithAllBytes))]
    public void Whatever_comes_through_is_an_object_with_the_fields(string name)
    {
        var tokenizer = Fixture(name);
        var cases = from fields in Fields() from seed in Gen.Choose(0, int.MaxValue) select (fields, seed);
        var ended = 0;
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            if (ConstraintWalks.Random(new JsonConstraint(tokenizer, one.fields), tokenizer.VocabularySize, one.seed) is not { } tokens) return true;
            ended++;
            return Fits(tokenizer.Decode([.. tokens]), one.fields);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
        Assert.InRange(ended, 50, 60);
    }

    [Theory]
    [MemberData(nameof(WithAllBytes))]
    public void Every_document_can_be_written_in_any_tokens(string name)
    {
        var tokenizer = Fixture(name);
        var cases = from fields in Fields() from seed in Gen.Choose(0, int.MaxValue) select (fields, seed);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var random = new Random(one.seed);
            var constraint = new JsonConstraint(tokenizer, one.fields);
            foreach (var document in Documents(one.fields, random))
            {
                Assert.True(Fits(document, one.fields), document);
                var tokens = ConstraintWalks.Split(tokenizer.TokenBytes, Encoding.UTF8.GetBytes(document), random);
                Assert.True(ConstraintWalks.Follow(constraint, tokens, tokenizer.VocabularySize).IsComplete);
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(15));
    }

    [Theory]
    [MemberData(nameof(WithAllBytes))]
    public void The_tokens_that_the_tokenizer_itself_takes_are_allowed(string name)
    {
        var tokenizer = Fixture(name);
        var constraint = new JsonConstraint(tokenizer, [JsonField.String("text"), JsonField.Number("score"), JsonField.OneOf("label", ["greeting", "farewell"])]);
        foreach (var document in new[] { """{"text": "What \"is\" that, 42?\n", "score": -1.5e3, "label": "greeting"}""", """ {"text": "", "score": 0,"label":"farewell"}""" })
        {
            var tokens = tokenizer.EncodePlain(document);
            Assert.True(ConstraintWalks.Follow(constraint, tokens, tokenizer.VocabularySize).IsComplete);
        }
    }

    [Theory]
    [InlineData("""{"a": "x", "n": 1}""", true)]
    [InlineData("""{"a":"x","n":1}""", true)]
    [InlineData(""" {"a":"x", "n":1}""", true)]
    [InlineData("""{"\u0061": "\u0078", "n": 1}""", true)]
    [InlineData("""{"a": "\uD83d\uDe00", "n": 1}""", true)]
    [InlineData("""{"a": "\uD83D", "n": 1}""", false)]
    [InlineData("""{"a": "\uDE00", "n": 1}""", false)]
    [InlineData("""{"a": "\uD83D\uD83D", "n": 1}""", false)]
    [InlineData("""{"a": "\x", "n": 1}""", false)]
    [InlineData("""{"a": "\u12g4", "n": 1}""", false)]
    [InlineData("{\"a\": \"\t\", \"n\": 1}", false)]
    [InlineData("{\"a\": \"\u007f\", \"n\": 1}", true)]
    [InlineData("""{"a":  "x", "n": 1}""", false)]
    [InlineData("""{"a" : "x", "n": 1}""", false)]
    [InlineData("""{ "a": "x", "n": 1}""", false)]
    [InlineData("""  {"a": "x", "n": 1}""", false)]
    [InlineData("""{"a": "x", "n": 1 }""", false)]
    [InlineData("""{"a": "x", "n": 1}x""", false)]
    [InlineData("""{"n": 1, "a": "x"}""", false)]
    [InlineData("""{"a": "x"}""", false)]
    [InlineData("""{"a": "x", "n": 1, "b": 2}""", false)]
    [InlineData("""{"a": "x", "n": -0}""", true)]
    [InlineData("""{"a": "x", "n": 123456789012345678901234567890}""", true)]
    [InlineData("""{"a": "x", "n": 01}""", false)]
    [InlineData("""{"a": "x", "n": +1}""", false)]
    [InlineData("""{"a": "x", "n": -}""", false)]
    [InlineData("""{"a": "x", "n": 1.0}""", false)]
    [InlineData("""{"a": "x", "n": 1e2}""", false)]
    [InlineData("""{"a": null, "n": 1}""", false)]
    public void Syntax_is_strict(string document, bool isAllowed)
    {
        Assert.Equal(isAllowed, Writes([JsonField.String("a"), JsonField.Integer("n")], Encoding.UTF8.GetBytes(document)));
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("-0.0", true)]
    [InlineData("1.50", true)]
    [InlineData("1e5", true)]
    [InlineData("1E+05", true)]
    [InlineData("0.1e-0", true)]
    [InlineData("1.", false)]
    [InlineData(".5", false)]
    [InlineData("1e", false)]
    [InlineData("1e+", false)]
    [InlineData("00", false)]
    [InlineData("1.5.2", false)]
    [InlineData("1e5e", false)]
    [InlineData("NaN", false)]
    [InlineData("true", false)]
    public void Numbers_are_those_of_the_standard(string number, bool isAllowed) =>
        Assert.Equal(isAllowed, Writes([JsonField.Number("n")], Encoding.UTF8.GetBytes($$"""{"n": {{number}}}""")));

    [Theory]
    [InlineData(new byte[] { 0x80 })]
    [InlineData(new byte[] { 0xC0, 0x80 })]
    [InlineData(new byte[] { 0xC1, 0xBF })]
    [InlineData(new byte[] { 0xC3, (byte)'"' })]
    [InlineData(new byte[] { 0xE0, 0x9F, 0xBF })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xE2, 0x82 })]
    [InlineData(new byte[] { 0xF0, 0x8F, 0xBF, 0xBF })]
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 })]
    [InlineData(new byte[] { 0xF5, 0x80, 0x80, 0x80 })]
    [InlineData(new byte[] { 0xFF })]
    public void Bytes_that_are_no_characters_do_not_come_through(byte[] bytes) =>
        Assert.False(Writes([JsonField.String("a")], [.. "{\"a\": \""u8, .. bytes, .. "\"}"u8]));

    [Fact]
    public void Every_character_comes_through()
    {
        var constraint = new JsonConstraint(ByteVocabulary.WithAllBytes([]), [JsonField.String("a", maxLength: 1)]);
        for (var code = 0x20; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 97)
        {
            if (!Rune.IsValid(code) || code is '"' or '\\') continue;
            var state = constraint.Begin();
            foreach (var value in Encoding.UTF8.GetBytes($$"""{"a": "{{new Rune(code)}}"}""")) state.Append(value);
            Assert.True(state.IsComplete);
        }
    }

    [Theory]
    [InlineData("日本語", 3)]
    [InlineData("😀😀", 2)]
    [InlineData("\\n\\u00e9é", 3)]
    [InlineData("\\ud83d\\ude00😀", 2)]
    [InlineData("a\u0301", 2)]
    public void The_length_counts_characters(string written, int characters)
    {
        var document = Encoding.UTF8.GetBytes($$"""{"a": "{{written}}"}""");
        Assert.True(Writes([JsonField.String("a", characters)], document));
        if (characters > 1) Assert.False(Writes([JsonField.String("a", characters - 1)], document));
    }

    [Fact]
    public void A_token_that_goes_beyond_the_length_or_breaks_a_character_is_left_out()
    {
        var tokens = new byte[][] { [.. "ab"u8], [.. "a\""u8], [.. "ab\"}"u8], [0xC3, 0xA9, 0xC3], [0xA9, .. "\"}"u8], [0xA9, .. "a"u8], [.. "é😀"u8], [0xFF, 0xFE], [.. "\\\"\"}"u8] };
        var tokenizer = ByteVocabulary.WithAllBytes(tokens);
        var vocabulary = tokenizer.VocabularySize;
        var constraint = new JsonConstraint(tokenizer, [JsonField.String("a", 2)]);
        // Any two characters; "\"" is one of them, then a quote; not 0xA9, which nothing began.
        Assert.Equal([256, 257, 258, 259, 262, 264], Beyond(Written("{\"a\": \"", constraint)));
        // The second character is the last one: "a" and its end, or one of two bytes; é and another do not fit.
        Assert.Equal([257, 264], Beyond(Written("{\"a\": \"x", constraint)));
        Assert.Equal([260], Beyond(Written("{\"a\": \"x", constraint, 0xC3)));
        Assert.Equal([260, 261], Beyond(Written("{\"a\": \"", constraint, 0xC3)));
        Assert.Equal([(int)'"'], ConstraintWalks.Allowed(Written("{\"a\": \"xy", constraint), vocabulary));

        int[] Beyond(TokenConstraintState state) => [.. ConstraintWalks.Allowed(state, vocabulary).Where(id => id >= 256)];
    }

    [Fact]
    public void A_long_string_keeps_few_masks()
    {
        var tokenizer = ByteVocabulary.WithAllBytes([[.. "long token"u8]]);
        var graph = new GraphConstraint(tokenizer, JsonGraph.Of([JsonField.String("a", 100_000)]), null);
        var state = graph.Begin();
        foreach (var value in Encoding.UTF8.GetBytes("{\"a\": \"" + string.Concat(Enumerable.Repeat("x\\né", 33_333)) + "x"))
        {
            Assert.Contains(value, ConstraintWalks.Allowed(state, 257).Select(id => (byte)id));
            state.Append(value);
        }

        Assert.Equal([(int)'"'], ConstraintWalks.Allowed(state, 258));
        Assert.InRange(graph.KeptMasks, 10, 60);
    }

    [Fact]
    public void What_is_kept_has_a_bound()
    {
        // A token as long as the string itself makes every place in it another one.
        var tokenizer = ByteVocabulary.WithAllBytes([.. Enumerable.Range(0, 200).Select(i => Encoding.UTF8.GetBytes(new string('y', 5 + (i * 5))))]);
        var graph = new GraphConstraint(tokenizer, JsonGraph.Of([JsonField.String("a", 1000)]), null, maxKeptBytes: 10_000);
        var state = graph.Begin();
        foreach (var value in Encoding.UTF8.GetBytes("{\"a\": \"" + new string('x', 400)))
        {
            state.Mask(new float[tokenizer.VocabularySize]);
            state.Append(value);
        }

        Assert.InRange(graph.KeptMasks, 1, 100);
    }

    [Fact]
    public void Values_may_hold_quotes_and_any_characters()
    {
        string[] values = ["say \"hi\"", "a", "ab", "😀", "", "back\\slash", "line\nbreak", "é"];
        var constraint = new JsonConstraint(ByteVocabulary.WithAllBytes([]), [JsonField.OneOf("v", values)]);
        foreach (var value in values)
        {
            foreach (var written in new[] { JsonSerializer.Serialize(value), JsonSerializer.Serialize(value, Relaxed), Dumps(value, ascii: true), Dumps(value, ascii: false), AllEscaped(value) })
            {
                var state = constraint.Begin();
                foreach (var one in Encoding.UTF8.GetBytes($$"""{"v": {{written}}}""")) state.Append(one);
                Assert.True(state.IsComplete);
            }
        }

        var open = Written("{\"v\": \"a", constraint);
        Assert.Equal([.. "\"\\b".Select(character => (int)character)], ConstraintWalks.Allowed(open, 256));
    }

    [Fact]
    public void Special_tokens_do_not_come_in_and_the_end_only_after_the_object()
    {
        var tokenizer = Fixture("neox-style");
        var end = tokenizer.TokenToId("<|endoftext|>")!.Value;
        var constraint = new JsonConstraint(tokenizer, [JsonField.String("a")], [end]);
        var state = constraint.Begin();
        int[] special = [.. tokenizer.AddedTokens.Where(token => token.Value.Special).Select(token => token.Key)];
        // More logits than tokens, as in a model whose vocabulary is rounded up.
        foreach (var token in tokenizer.EncodePlain("""{"a": "<|endoftext|>"}"""))
        {
            Assert.DoesNotContain(ConstraintWalks.Allowed(state, tokenizer.VocabularySize + 77), id => special.Contains(id) || id >= tokenizer.VocabularySize);
            Assert.Equal($"Token {end} may not follow here. Pick one that Mask leaves.", Assert.Throws<InvalidOperationException>(() => state.Append(end)).Message);
            Assert.False(state.IsComplete);
            state.Append(token);
        }

        Assert.True(state.IsComplete);
        Assert.Equal([end], ConstraintWalks.Allowed(state, tokenizer.VocabularySize));
        state.Append(end);
        Assert.True(state.IsComplete);
        Assert.Empty(ConstraintWalks.Allowed(state, tokenizer.VocabularySize));
        Assert.Throws<InvalidOperationException>(() => state.Append(end));
    }

    [Fact]
    public void A_token_of_text_that_ends_texts_is_no_part_of_them()
    {
        var tokenizer = ByteVocabulary.WithAllBytes([[.. "<|im_end|>"u8]]);
        var state = Written("{\"a\": \"", new JsonConstraint(tokenizer, [JsonField.String("a")], [256]));
        Assert.DoesNotContain(256, ConstraintWalks.Allowed(state, 257));
        Assert.Throws<InvalidOperationException>(() => state.Append(256));
    }

    [Fact]
    public void What_is_left_of_the_distribution_is_renormalised()
    {
        var tokenizer = Fixture("llama3-style");
        var state = new JsonConstraint(tokenizer, [JsonField.String("a")]).Begin();
        var random = new Random(3);
        foreach (var token in tokenizer.EncodePlain("{\"a\": \"some te"))
        {
            var logits = Enumerable.Range(0, tokenizer.VocabularySize).Select(_ => (float)((random.NextDouble() * 12) - 6)).ToArray();
            var allowed = ConstraintWalks.Allowed(state, logits.Length).ToHashSet();
            var mass = allowed.Sum(id => Math.Exp(logits[id]));
            var masked = logits.ToArray();
            state.Mask(masked);
            var probabilities = new float[logits.Length];
            new Sampler([], doSample: true).Probabilities(masked, new RowTokens([], 0), probabilities);
            for (var id = 0; id < logits.Length; id++) Assert.Equal(allowed.Contains(id) ? Math.Exp(logits[id]) / mass : 0, probabilities[id], 1e-6);
            state.Append(token);
        }
    }

    [Fact]
    public void A_copy_goes_its_own_way()
    {
        var tokenizer = ByteVocabulary.WithAllBytes([]);
        var state = Written("{\"a\": tr", new JsonConstraint(tokenizer, [JsonField.Boolean("a")]));
        var copy = state.Clone();
        state.Append('u');
        Assert.Equal([(int)'u'], ConstraintWalks.Allowed(copy, 256));
        Assert.Equal([(int)'e'], ConstraintWalks.Allowed(state, 256));
    }

    [Fact]
    public void Rows_on_many_threads_share_a_constraint()
    {
        var tokenizer = Fixture("neox-style");
        JsonField[] fields = [JsonField.String("text", 30), JsonField.OneOf("label", ["a", "b"])];
        var expected = Enumerable.Range(0, 16).Select(seed => ConstraintWalks.Random(new JsonConstraint(tokenizer, fields), tokenizer.VocabularySize, seed)).ToArray();
        var shared = new JsonConstraint(tokenizer, fields);
        var found = new List<int>?[expected.Length];
        Parallel.For(0, expected.Length, seed => found[seed] = ConstraintWalks.Random(shared, tokenizer.VocabularySize, seed));
        Assert.Equal(expected, found);
    }

    [Fact]
    public void A_row_has_the_columns_of_a_file()
    {
        var tokenizer = Fixture("neox-style");
        var columns = new ColumnMap { Text = "question", TextPair = "answer", Label = "good", Fields = ["question", "source"] };
        var constraint = JsonConstraint.ForRows(tokenizer, columns, new LabelSet(["yes", "no"]), maxLength: 40);
        var line = """{"question": "Why?", "answer": "", "source": "web", "good": "no"}""";
        Assert.True(ConstraintWalks.Follow(constraint, tokenizer.EncodePlain(line), tokenizer.VocabularySize).IsComplete);
        Assert.DoesNotContain(tokenizer.TokenToId("\"")!.Value, ConstraintWalks.Allowed(
            ConstraintWalks.Follow(constraint, ConstraintWalks.Split(tokenizer.TokenBytes, Encoding.UTF8.GetBytes("{\"question\": \""), new Random(1)), tokenizer.VocabularySize), tokenizer.VocabularySize));
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var tokenizer = ByteVocabulary.WithAllBytes([]);
        Assert.Equal("Expected at least one field, found none. (Parameter 'fields')", Fault(() => new JsonConstraint(tokenizer, [])));
        Assert.Equal(
            "Two fields are called 'a'. Remove one, or give it another name. (Parameter 'fields')",
            Fault(() => new JsonConstraint(tokenizer, [JsonField.String("a"), JsonField.Number("a")])));
        Assert.Equal("Expected token ids of at least 0, found a negative one. (Parameter 'endOfTextTokenIds')", Fault(() => new JsonConstraint(tokenizer, [JsonField.String("a")], [-1])));
        Assert.Equal("The field 'a' allows no value. Give it at least one. (Parameter 'values')", Fault(() => JsonField.OneOf("a", [])));
        Assert.Equal("The field 'a' has the value 'x' twice. Remove one. (Parameter 'values')", Fault(() => JsonField.OneOf("a", ["x", "y", "x"])));
        Assert.Equal("A field needs a name; found an empty one. (Parameter 'name')", Fault(() => JsonField.Boolean("")));
        Assert.StartsWith("'x\ud83d' holds half a surrogate pair at position 1, which is no character. Remove it.", Fault(() => JsonField.Integer("x\ud83d")), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => JsonField.String("a", 0));
    }

    [Fact]
    public void A_vocabulary_that_cannot_write_an_object_is_refused()
    {
        Assert.Equal(
            "The tokenizer has no tokens to write a JSON object with the fields 'text'; it lacks { } x. Take a model whose tokenizer knows all bytes. (Parameter 'fields')",
            Fault(() => new JsonConstraint(ByteVocabulary.Of([.. "\":abcdet"u8.ToArray().Select(value => new[] { value })]), [JsonField.String("text")])));
        var some = ByteVocabulary.Of([.. "{}\":abc"u8.ToArray().Select(value => new[] { value })]);
        Assert.Equal(
            "The tokenizer has no tokens to write the value 'bad' of the field 'a'. Write it otherwise. (Parameter 'fields')",
            Fault(() => new JsonConstraint(some, [JsonField.OneOf("a", ["cab", "bad"])])));
        Assert.Throws<ArgumentException>(() => new JsonConstraint(Fixture("t5-style"), [JsonField.String("text")]));
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Fault(Func<object> action) => Assert.ThrowsAny<ArgumentException>(action).Message;

    private static Tokenizer Fixture(string name) => Tokenizer.FromFolder(Path.Combine("Fixtures", "tokenizers", name));

    private static TokenConstraintState Written(string text, JsonConstraint constraint, params byte[] more)
    {
        var state = constraint.Begin();
        foreach (var value in Encoding.UTF8.GetBytes(text).Concat(more)) state.Append(value);
        return state;
    }

    private static bool Writes(IReadOnlyList<JsonField> fields, byte[] document)
    {
        var state = new JsonConstraint(ByteVocabulary.WithAllBytes([]), fields).Begin();
        foreach (var value in document)
        {
            if (!ConstraintWalks.Allowed(state, 256).Contains(value))
            {
                Assert.Throws<InvalidOperationException>(() => state.Append(value));
                return false;
            }

            state.Append(value);
        }

        return state.IsComplete;
    }

    private static Gen<JsonField[]> Fields()
    {
        var kinds = Gen.Elements<Func<string, Gen<JsonField>>>(
            name => Gen.Constant(JsonField.Integer(name)),
            name => Gen.Constant(JsonField.Number(name)),
            name => Gen.Constant(JsonField.Boolean(name)),
            name => Gen.Choose(1, 25).Select(length => JsonField.String(name, length)),
            name => Gen.SubListOf(Texts).Select(values => JsonField.OneOf(name, values.Count == 0 ? [""] : values)));
        return from names in Gen.NonEmptyListOf(Gen.Elements(Texts))
               from fields in Gen.CollectToSequence(names.Distinct().Take(4).Select(name => kinds.SelectMany(kind => kind(name))))
               select fields.ToArray();
    }

    private static bool Fits(string document, IReadOnlyList<JsonField> fields)
    {
        using var parsed = JsonDocument.Parse(document);
        var properties = parsed.RootElement.EnumerateObject().ToList();
        return properties.Select(property => property.Name).SequenceEqual(fields.Select(field => field.Name))
            && properties.Zip(fields).All(pair => Fits(pair.First.Value, pair.Second));
    }

    private static bool Fits(JsonElement value, JsonField field) => field.Kind switch
    {
        JsonFieldKind.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        JsonFieldKind.Integer => value.ValueKind == JsonValueKind.Number && value.GetRawText().TrimStart('-').All(char.IsAsciiDigit),
        JsonFieldKind.Number => value.ValueKind == JsonValueKind.Number,
        JsonFieldKind.OneOf => field.Values.Contains(value.GetString()),
        _ => value.GetString()!.EnumerateRunes().Count() <= field.MaxLength,
    };

    private static IEnumerable<string> Documents(IReadOnlyList<JsonField> fields, Random random)
    {
        var values = fields.Select(field => field.Kind switch
        {
            JsonFieldKind.Boolean => (object)(random.Next(2) == 0),
            JsonFieldKind.Integer => random.NextInt64() - long.MaxValue / 2,
            JsonFieldKind.Number => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-20, 20)),
            JsonFieldKind.OneOf => field.Values[random.Next(field.Values.Count)],
            _ => string.Concat(Tokenization.RandomText.Many(random.Next(), 1).Single().EnumerateRunes().Take(field.MaxLength!.Value)),
        }).ToList();
        var compact = fields.Zip(values).ToDictionary(pair => pair.First.Name, pair => pair.Second);
        yield return JsonSerializer.Serialize(compact);
        yield return JsonSerializer.Serialize(compact, Relaxed);
        foreach (var ascii in new[] { true, false })
            yield return $"{{{string.Join(", ", fields.Zip(values).Select(pair => $"{Dumps(pair.First.Name, ascii)}: {(pair.Second is string text ? Dumps(text, ascii) : JsonSerializer.Serialize(pair.Second))}"))}}}";
    }

    /// <summary>A string as <c>json.dumps</c> of Python writes it.</summary>
    private static string Dumps(string text, bool ascii) => $"\"{string.Concat(text.Select(unit => unit switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\b' => "\\b",
        '\f' => "\\f",
        < ' ' => Escaped(unit),
        _ => ascii && unit > '~' ? Escaped(unit) : unit.ToString(),
    }))}\"";

    private static string AllEscaped(string text) => $"\"{string.Concat(text.Select(unit => Escaped(unit).Replace('e', 'E')))}\"";

    private static string Escaped(char unit) => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
}
