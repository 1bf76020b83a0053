using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

public sealed class EncodingTests
{
    private static readonly string[] AddedTokenFlags = ["single_word", "lstrip", "rstrip", "normalized"];

    [Fact]
    public void Overflowing_parts_share_the_stride_and_have_special_tokens_of_their_own()
    {
        var tokenizer = Words("a b c d e").WithTruncation(new TruncationOptions { MaxLength = 5, Stride = 1 });
        var encoding = tokenizer.Encode("a b c d e");
        Assert.Equal("[ a b c ]", Shown(encoding));
        Assert.Equal(["[ c d e ]"], encoding.Overflowing.Select(Shown));
        Assert.Equal([(0, 0), (4, 5), (6, 7), (8, 9), (0, 0)], encoding.Overflowing[0].Offsets);
        Assert.Equal([1, 0, 0, 0, 1], encoding.Overflowing[0].SpecialTokensMask);
    }

    [Fact]
    public void Truncation_on_the_left_keeps_the_end()
    {
        var tokenizer = Words("a b c d e").WithTruncation(new TruncationOptions { MaxLength = 4, Side = Side.Left });
        var encoding = tokenizer.Encode("a b c d e");
        Assert.Equal("[ d e ]", Shown(encoding));
        Assert.Equal(["[ b c ]", "[ a ]"], encoding.Overflowing.Select(Shown));
    }

    [Theory]
    [InlineData(TruncationStrategy.LongestFirst, 7, "[ a b ] c d ]")]
    [InlineData(TruncationStrategy.LongestFirst, 5, "[ a ] c ]")]
    [InlineData(TruncationStrategy.OnlyFirst, 7, "[ a ] c d e ]")]
    [InlineData(TruncationStrategy.OnlySecond, 7, "[ a b ] c d ]")]
    public void A_pair_is_cut_by_its_strategy(TruncationStrategy strategy, int length, string expected)
    {
        var tokenizer = Words("a b c d e").WithTruncation(new TruncationOptions { MaxLength = length, Strategy = strategy });
        var encoding = tokenizer.Encode("a b", "c d e");
        Assert.Equal(expected, Shown(encoding));
        Assert.Equal(encoding.TypeIds, encoding.TypeIds.Order());
        Assert.Equal(encoding.Tokens.Count(token => "cde".Contains(token[0], StringComparison.Ordinal)), encoding.SequenceIds.Count(id => id == 1));
    }

    [Fact]
    public void Truncation_that_cannot_be_done_is_an_error()
    {
        var tokenizer = Words("a b");
        Assert.Equal("Truncation error: Second sequence not provided", Assert.Throws<InvalidOperationException>(() =>
            tokenizer.WithTruncation(new TruncationOptions { MaxLength = 3, Strategy = TruncationStrategy.OnlySecond }).Encode("a b")).Message);
        Assert.Equal("Truncation to 1 tokens has no room for the 2 special tokens. Raise 'max_length'.", Assert.Throws<InvalidOperationException>(() =>
            tokenizer.WithTruncation(new TruncationOptions { MaxLength = 1 }).Encode("a b")).Message);
        Assert.Equal("'stride' is 3, but 'max_length' 4 leaves room for 2 tokens of text. Lower 'stride' or raise 'max_length'. (Parameter 'truncation')",
            Assert.Throws<ArgumentException>(() => tokenizer.WithTruncation(new TruncationOptions { MaxLength = 4, Stride = 3 })).Message);
    }

    [Theory]
    [InlineData(Side.Right, "[ a ] . . .|[ a b c ] .", "111000 111110")]
    [InlineData(Side.Left, ". . . [ a ]|. [ a b c ]", "000111 011111")]
    public void A_batch_is_filled_to_its_longest_and_a_multiple(Side side, string expected, string mask)
    {
        var tokenizer = Words("a b c").WithPadding(new PaddingOptions { PadToMultipleOf = 3, PadToken = ".", PadId = 9, PadTypeId = 7, Side = side });
        var batch = tokenizer.EncodeBatch(["a", "a b c"]);
        Assert.Equal(expected, string.Join('|', batch.Select(Shown)));
        Assert.Equal(mask, string.Join(' ', batch.Select(encoding => string.Concat(encoding.AttentionMask))));
        var pad = Array.IndexOf(batch[0].Tokens, ".");
        Assert.Equal((9, 7, 1, (0, 0)), (batch[0].Ids[pad], batch[0].TypeIds[pad], batch[0].SpecialTokensMask[pad], batch[0].Offsets[pad]));
    }

    [Fact]
    public void Padding_to_a_length_leaves_longer_encodings_alone()
    {
        var tokenizer = Words("a b c").WithPadding(new PaddingOptions { Length = 4 });
        Assert.Equal([4, 5], tokenizer.EncodeBatch(["a", "a b c"]).Select(encoding => encoding.Length));
    }

    [Theory]
    [InlineData("", "a<x>b <x> c", "a <x> b <x> c")]
    [InlineData("single_word", "a<x>b <x> c", "a [U] [U] [U] b <x> c")]
    [InlineData("lstrip", "a <x> b", "a _<x> b")]
    [InlineData("rstrip", "a <x>  b", "a <x>__ b")]
    [InlineData("lstrip rstrip", "<x> <x>", "<x>_ <x>")]
    [InlineData("", "a <X> b", "a [U] [U] [U] b")]
    [InlineData("normalized", "a <X> b", "a <x> b")]
    public void Added_tokens_are_matched_as_their_flags_say(string flags, string text, string expected)
    {
        var tokenizer = Words("a b c", flags.Split(' '), template: false);
        Assert.Equal(expected, string.Join(' ', tokenizer.Encode(text).Tokens.Select(token => token.Replace(' ', '_'))));
    }

    [Fact]
    public void Unknown_ids_are_left_out_and_special_tokens_on_demand()
    {
        var tokenizer = Words("a b");
        Assert.Equal("a b", tokenizer.Decode([1, 3, 4, 2, 777]));
        Assert.Equal("[ a b ]", tokenizer.Decode([1, 3, 4, 2, -5], skipSpecialTokens: false));
        Assert.Null(tokenizer.IdToToken(777));
        Assert.Null(tokenizer.TokenToId("zzz"));
    }

    [Fact]
    public void A_normalised_added_token_decodes_to_what_it_matched()
    {
        var tokenizer = Words("a b", ["normalized"], template: false, added: "<X>");
        Assert.Equal("<x>", tokenizer.IdToToken(5));
        Assert.Equal(5, tokenizer.TokenToId("<X>"));
        Assert.Null(tokenizer.TokenToId("<x>"));
        Assert.Equal("a <x>", tokenizer.Decode(tokenizer.Encode("a <X>").Ids));
    }

    private static string Shown(Encoding encoding) => string.Join(' ', encoding.Tokens);

    /// <summary>A lower-casing tokenizer of single words: 0 is unknown, 1 and 2 are brackets, then come the words, then an added &lt;x&gt;.</summary>
    private static Tokenizer Words(string words, string[]? flags = null, bool template = true, string added = "<x>")
    {
        using var folder = new TemporaryFolder();
        var list = words.Split(' ');
        var vocabulary = string.Join(',', list.Prepend("]").Prepend("[").Prepend("[U]").Select((word, i) => $"\"{word}\":{i}"));
        var settings = string.Join(',', AddedTokenFlags.Select(flag => $"\"{flag}\":{(flags?.Contains(flag) == true ? "true" : "false")}"));
        const string plain = "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true";
        var processor = template
            ? """
              {"type":"TemplateProcessing",
               "single":[{"SpecialToken":{"id":"[","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"]","type_id":0}}],
               "pair":[{"SpecialToken":{"id":"[","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"]","type_id":0}},
                       {"Sequence":{"id":"B","type_id":1}},{"SpecialToken":{"id":"]","type_id":1}}],
               "special_tokens":{"[":{"id":"[","ids":[1],"tokens":["["]},"]":{"id":"]","ids":[2],"tokens":["]"]}}}
              """
            : "null";
        File.WriteAllText(folder["tokenizer.json"], $$"""
            {"added_tokens":[{"id":1,"content":"[",{{plain}} },{"id":2,"content":"]",{{plain}} },{"id":{{list.Length + 3}},"content":"{{added}}","special":false,{{settings}} }],
             "normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{{processor}},"decoder":null,
             "model":{"type":"WordLevel","vocab":{ {{vocabulary}} },"unk_token":"[U]"} }
            """);
        return Tokenizer.FromFile(folder["tokenizer.json"]);
    }
}
