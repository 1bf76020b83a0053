using System.Diagnostics;
using System.Text.Json.Nodes;
using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

public sealed class UnigramTests
{
    private const string Pieces = """[["<unk>",0.0],["a",0.0],["b",0.0],["c",0.0],["d",0.0],["cd",1.0],["ab",2.0],["abc",5.0],["abcd",10.0]]""";

    [Theory]
    [InlineData("abcdacdxx", "abcd a cd xx")]
    [InlineData("abd", "ab d")]
    [InlineData("xaxxbx", "x a xx b x")]
    [InlineData("x😀a😀", "x😀 a 😀")]
    [InlineData("", "")]
    public void The_path_with_the_largest_sum_wins_and_unknown_neighbours_are_one(string text, string expected)
    {
        var encoding = Model($$"""{"type":"Unigram","unk_id":0,"vocab":{{Pieces}}}""").Encode(text);
        Assert.Equal(expected, string.Join(' ', encoding.Tokens));
        Assert.Equal(text, string.Concat(encoding.Offsets.Select(range => text[range.Start..range.End])));
        Assert.Equal(encoding.Tokens.Select(token => token.Any(character => character > 'd') ? 0 : 1), encoding.Ids.Select(id => Math.Min(id, 1)));
    }

    [Fact]
    public void What_is_unknown_becomes_bytes_only_if_all_are_there()
    {
        var tokenizer = Model("""{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["a",-1],["<0xC3>",-2],["<0xA9>",-2]]}""");
        var encoding = tokenizer.Encode("aéa");
        Assert.Equal(["a", "<0xC3>", "<0xA9>", "a"], encoding.Tokens);
        Assert.Equal([(0, 1), (1, 2), (1, 2), (2, 3)], encoding.Offsets);
        Assert.Equal(["a", "éx", "a"], tokenizer.Encode("aéxa").Tokens);
    }

    [Fact]
    public void Without_an_unknown_token_only_unknown_text_is_an_error()
    {
        var tokenizer = Model($$"""{"type":"Unigram","unk_id":null,"vocab":{{Pieces}}}""");
        Assert.Equal([8], tokenizer.Encode("abcd").Ids);
        Assert.Equal(
            "'abz' has characters that are not in the vocabulary, and the tokenizer has no 'unk_id'. Give 'model.unk_id' of the tokenizer.json the id of an unknown token.",
            Assert.Throws<InvalidDataException>(() => tokenizer.Encode("abz")).Message);
    }

    [Theory]
    [InlineData("""{"type":"Unigram","unk_id":9,"vocab":[["a",0]]}""", "'model.unk_id' is 9, but the vocabulary has only 1 tokens. Give the position of the unknown token in 'vocab'.")]
    [InlineData("""{"type":"Unigram","unk_id":0,"vocab":[]}""", "'model.unk_id' is 0, but the vocabulary has only 0 tokens. Give the position of the unknown token in 'vocab'.")]
    [InlineData("""{"type":"Unigram","vocab":[["a"]]}""", "'model.vocab[0]' must be a list of a token and its score, a number.")]
    [InlineData("""{"type":"Unigram","vocab":[["a",0],["b","0"]]}""", "'model.vocab[1]' must be a list of a token and its score, a number.")]
    [InlineData("""{"type":"Unigram","vocab":[["a",-1e999]]}""", "'model.vocab[0]' has the score -1e999, which no number of 64 bits holds.")]
    [InlineData("""{"type":"Unigram","vocab":{"a":0}}""", "'model.vocab' must be a list, but is an object.")]
    public void A_damaged_model_is_named(string model, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], $$"""{"model":{{model}}}""");
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer.FromFile(folder["tokenizer.json"]));
        Assert.Equal($"{folder["tokenizer.json"]}: {message}", error.Message);
    }

    [Fact]
    public void A_token_that_comes_twice_counts_as_its_last_mention_and_decodes_from_both()
    {
        var tokenizer = Model("""{"unk_id":0,"vocab":[["<unk>",0],["a",-1],["b",-9],["ab",-3],["ab",-99]]}""");
        Assert.Equal(5, tokenizer.VocabularySize);
        Assert.Equal([1, 2], tokenizer.Encode("ab").Ids);
        Assert.Equal((4, "ab", "ab"), (tokenizer.TokenToId("ab"), tokenizer.IdToToken(3), tokenizer.IdToToken(4)));
    }

    [Fact]
    public void Plain_text_is_cut_as_if_the_special_tokens_were_not_in_the_vocabulary()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], """
            {"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["</s>",0],["<",-5],["/",-5],["s",-5],[">",-5],["/s",-6]]},
             "added_tokens":[{"id":1,"content":"</s>","special":true}]}
            """);
        var tokenizer = Tokenizer.FromFile(folder["tokenizer.json"]);
        Assert.Equal([4, 1, 4], tokenizer.Encode("s</s>s").Ids);
        Assert.Equal([4, 2, 6, 5, 4], tokenizer.EncodePlain("s</s>s"));
    }

    [Fact]
    public void A_megabyte_without_a_space_takes_linear_time()
    {
        var clock = Stopwatch.StartNew();
        var tokenizer = Tokenizer.FromFolder("Fixtures/tokenizers/t5-style");
        var ids = new List<int>();
        tokenizer.EncodeIds(string.Concat(Enumerable.Repeat("theplay", 150_000)), ids);
        Assert.InRange(ids.Count, 150_000, 1_050_001);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
    }

    private static Tokenizer Model(string model)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], new JsonObject { ["model"] = JsonNode.Parse(model) }.ToJsonString());
        return Tokenizer.FromFile(folder["tokenizer.json"]);
    }
}
