using System.Text.Json.Nodes;
using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

public sealed class MalformedTokenizerTests
{
    private const string Bpe = """{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"added_tokens":[]}""";

    [Theory]
    [InlineData("model", "null", "'the file' needs the key 'model', which is missing or null.")]
    [InlineData("model", "7", "'model' must be an object, but is the number 7.")]
    [InlineData("model.type", "\"Morpheme\"", "'model' is of the type 'Morpheme', which is not supported. Supported are BPE, WordPiece, WordLevel and Unigram.")]
    [InlineData("model.dropout", "0.1", "'model.dropout' is 0.1, but only null is supported: with dropout the same text has different ids each time. Set it to null.")]
    [InlineData("model.vocab", "[]", "'model.vocab' must be an object, but is a list.")]
    [InlineData("model.vocab", """{"a":-1}""", "'model.vocab.a' must be a whole number from 0 to 2147483647, but is the number -1.")]
    [InlineData("model.vocab", """{"a":1.5}""", "'model.vocab.a' must be a whole number from 0 to 2147483647, but is the number 1.5.")]
    [InlineData("model.vocab", """{"a":0,"b":0,"ab":1}""", "'model.vocab' cannot be used: the tokens 'a' and 'b' share the id 0. Give every token an id of its own.")]
    [InlineData("model.merges", """["a b c"]""", "'model.merges[0]' must be two tokens separated by one space, but is 'a b c'.")]
    [InlineData("model.merges", """[["a","b"],["a"]]""", "'model.merges[1]' must be two tokens, but holds 1.")]
    [InlineData("model.merges", """["b a"]""", "'model.merges[0]' merges 'b' with 'a', but 'ba' is not in the vocabulary. Vocabulary and merges must come from the same tokenizer.")]
    [InlineData("model.merges", "{}", "'model.merges' must be a list, but is an object.")]
    [InlineData("normalizer", """{"type":"Cyrillic"}""", "'normalizer' is of the type 'Cyrillic', which is not supported. "
        + "Supported are NFC, NFD, NFKC, NFKD, Nmt, Precompiled, ByteLevel, Lowercase, StripAccents, Strip, Prepend, Replace, BertNormalizer and Sequence.")]
    [InlineData("normalizer", """{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":3}]}""", "'normalizer.normalizers[1].type' must be a string, but is the number 3.")]
    [InlineData("pre_tokenizer", """{"type":"ByteLevel"}""", "'pre_tokenizer' needs the key 'add_prefix_space', which is missing or null.")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"String":" "},"behavior":"Removd"}""", "'pre_tokenizer.behavior' must be one of "
        + "[Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous], but is 'Removd'.")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Removed"}""", "'pre_tokenizer.pattern.Regex' has a '(' without ')' at character 2 of the regular expression '(a'.")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","replacement":"__"}""", "'pre_tokenizer.replacement' must be one character, but is '__'.")]
    [InlineData("pre_tokenizer", """{"type":"UnicodeScripts"}""", "'pre_tokenizer' is of the type 'UnicodeScripts', which is not supported. "
        + "Supported are ByteLevel, BertPreTokenizer, Whitespace, WhitespaceSplit, Split, Digits, Punctuation, CharDelimiterSplit, FixedLength, Metaspace and Sequence.")]
    [InlineData("post_processor", """{"type":"RobertaProcessing","sep":["</s>"],"cls":["<s>",0]}""", "'post_processor.sep' must be a list of a token and its id.")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}}],"pair":[],"special_tokens":{}}""",
        "'post_processor.single[0].SpecialToken' names '[CLS]', which is not in 'special_tokens' of the template. Add it there.")]
    [InlineData("post_processor", """{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B","type_id":0}}],"pair":[],"special_tokens":{}}""",
        "'post_processor.single[0].Sequence' is B, but a template for a single text has only A.")]
    [InlineData("post_processor", """{"type":"Nothing"}""", "'post_processor' is of the type 'Nothing', which is not supported. "
        + "Supported are ByteLevel, RobertaProcessing, BertProcessing, TemplateProcessing and Sequence.")]
    [InlineData("decoder", """{"type":"CTC"}""", "'decoder' is of the type 'CTC', which is not supported. "
        + "Supported are ByteLevel, WordPiece, BPEDecoder, Metaspace, Replace, Fuse, Strip, ByteFallback and Sequence.")]
    [InlineData("added_tokens", """[{"id":5,"content":"<x>"}]""", "'added_tokens' cannot be used: the added token '<x>' has the id 5, but the vocabulary and the tokens before it make that 3. Correct the entry.")]
    [InlineData("added_tokens", """[{"id":3,"content":"<x>"},{"id":4,"content":"<x>"}]""", "'added_tokens' cannot be used: the added token '<x>' comes twice. Correct the entry.")]
    [InlineData("added_tokens", """[{"id":3,"content":""}]""", "'added_tokens' cannot be used: an added token has no content. Correct the entry.")]
    [InlineData("added_tokens", """[{"content":"<x>"}]""", "'added_tokens[0]' needs the key 'id', which is missing or null.")]
    [InlineData("truncation", """{"max_length":8,"strategy":"Longest","stride":0}""", "'truncation.strategy' must be one of [LongestFirst, OnlyFirst, OnlySecond], but is 'Longest'.")]
    [InlineData("padding", """{"strategy":"Longest","pad_id":0,"pad_type_id":0,"pad_token":""}""", "'padding.strategy' must be \"BatchLongest\" or {\"Fixed\": length}, but is 'Longest'.")]
    public void A_fault_is_named_with_file_and_key(string path, string value, string message)
    {
        using var folder = new TemporaryFolder();
        var root = JsonNode.Parse(Bpe)!;
        var keys = path.Split('.');
        var parent = keys[..^1].Aggregate(root, (node, key) => node[key]!);
        parent[keys[^1]] = JsonNode.Parse(value);
        File.WriteAllText(folder["tokenizer.json"], root.ToJsonString());
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer.FromFile(folder["tokenizer.json"]));
        Assert.Equal($"{folder["tokenizer.json"]}: {message}", error.Message);
    }

    [Fact]
    public void A_token_listed_twice_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], """{"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}}""");
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer.FromFile(folder["tokenizer.json"]));
        Assert.Equal($"{folder["tokenizer.json"]}: 'model.vocab' lists the token 'a' twice. Remove one of the entries.", error.Message);
    }

    [Fact]
    public void Nesting_without_end_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], new string('[', 100_000));
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer.FromFile(folder["tokenizer.json"]));
        Assert.StartsWith($"{folder["tokenizer.json"]}(1): the file is not valid JSON: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(" Download or save it again.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("neox-style")]
    [InlineData("wordpiece-uncased")]
    [InlineData("llama3-style")]
    [InlineData("t5-style")]
    public void Damaged_files_are_either_refused_or_usable(string fixture)
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllText($"Fixtures/tokenizers/{fixture}/tokenizer.json");
        var random = new Random(11);
        var refused = 0;
        for (var i = 0; i < 60; i++)
        {
            var text = Damage(whole, random);
            File.WriteAllText(folder["tokenizer.json"], text);
            try
            {
                Tokenizer.FromFile(folder["tokenizer.json"]).Encode("Hello, wörld 😀 12", "pair");
            }
            catch (Exception fault) when (fault is InvalidDataException or InvalidOperationException)
            {
                Assert.NotEmpty(fault.Message);
                refused++;
            }
        }
        Assert.InRange(refused, 20, 60);
    }

    private static string Damage(string text, Random random) => random.Next(3) switch
    {
        0 => text[..random.Next(text.Length)],
        1 => text.Remove(random.Next(2000), random.Next(1, 40)),
        _ => text.Remove(random.Next(2000), 1).Insert(random.Next(2000), "{}[],:\"0truenull"[random.Next(16)].ToString()),
    };
}
