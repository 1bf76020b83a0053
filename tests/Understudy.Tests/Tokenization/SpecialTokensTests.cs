using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

public sealed class SpecialTokensTests
{
    [Fact]
    public void The_configuration_gives_roles_and_the_added_tokens_the_rest()
    {
        using var folder = Folder("llama3-style");
        File.WriteAllText(folder["special_tokens_map.json"], """
            {"bos_token":"<|begin_of_text|>","eos_token":"<|end_of_text|>","additional_special_tokens":["the",{"content":"<|eot_id|>"}]}
            """);
        File.WriteAllText(folder["tokenizer_config.json"], """
            {"eos_token":{"__type":"AddedToken","content":"<|eot_id|>"},"pad_token":"<|absent|>","mask_token":null}
            """);
        var tokens = Tokenizer.FromFolder(folder.FullName).SpecialTokens;
        Assert.Equal(new SpecialToken("bos_token", "<|begin_of_text|>", 900), tokens.Bos);
        Assert.Equal(new SpecialToken("eos_token", "<|eot_id|>", 902), tokens.Eos);
        Assert.Equal(new SpecialToken("pad_token", "<|absent|>", null), tokens.Pad);
        Assert.Null(tokens.Mask);
        Assert.Null(tokens.Unk);
        Assert.Equal([("the", (int?)879), ("<|end_of_text|>", 901)], tokens.Additional.Select(token => (token.Content, token.Id)));
        Assert.Equal(
            ["bos_token", "eos_token", "pad_token", "additional_special_tokens", "additional_special_tokens"],
            tokens.All.Select(token => token.Role));
    }

    [Theory]
    [InlineData("t5-style", "<unk>", 2)]
    [InlineData("llama2-style", "<unk>", 0)]
    [InlineData("wordpiece-cased", "[UNK]", 1)]
    public void A_tokenizer_alone_names_its_unknown_token(string fixture, string content, int id)
    {
        var tokens = Tokenizer.FromFile($"Fixtures/tokenizers/{fixture}/tokenizer.json").SpecialTokens;
        Assert.Equal(new SpecialToken("unk_token", content, id), tokens.Unk);
        Assert.Null(tokens.Bos);
        Assert.DoesNotContain(tokens.Additional, token => token.Content == content);
        Assert.NotEmpty(tokens.Additional);
    }

    [Fact]
    public void A_word_list_has_the_roles_of_a_bert()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"]);
        var tokens = Tokenizer.FromFolder(folder.FullName).SpecialTokens;
        Assert.Equal([("unk_token", 1), ("sep_token", 3), ("pad_token", 0), ("cls_token", 2)], tokens.All.Select(token => (token.Role, token.Id!.Value)));
    }

    [Fact]
    public void Named_extra_tokens_and_truncation_keep_them()
    {
        using var folder = Folder("llama3-style");
        File.WriteAllText(folder["tokenizer_config.json"], """{"extra_special_tokens":{"image_token":"<|end_of_text|>"}}""");
        var tokenizer = Tokenizer.FromFolder(folder.FullName).WithTruncation(new TruncationOptions { MaxLength = 8 });
        Assert.Equal(["<|end_of_text|>", "<|begin_of_text|>", "<|eot_id|>"], tokenizer.SpecialTokens.Additional.Select(token => token.Content));
    }

    [Fact]
    public void What_is_saved_to_a_folder_has_the_roles_and_the_chat_template_again()
    {
        using var folder = Folder("llama3-style");
        using var copy = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer_config.json"], """{"eos_token": "<|eot_id|>",  "chat_template": "{{ eos_token }}"}""");
        File.WriteAllText(folder["special_tokens_map.json"], "{ }");
        File.WriteAllText(folder["vocab.txt"], "not the tokenizer's");
        Tokenizer.FromFolder(folder.FullName).WithTruncation(null).SaveToFolder(copy.FullName);
        Assert.Equal(["special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"], Directory.GetFiles(copy.FullName).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(File.ReadAllBytes(folder["tokenizer_config.json"]), File.ReadAllBytes(copy["tokenizer_config.json"]));
        Assert.Equal(902, Tokenizer.FromFolder(copy.FullName).SpecialTokens.Eos!.Id);
        Assert.Equal("<|eot_id|>", Understudy.Tokenization.Chat.ChatTemplate.FromFolder(copy.FullName).Render([]));
    }

    [Fact]
    public void A_token_that_is_none_is_refused()
    {
        using var folder = Folder("llama3-style");
        File.WriteAllText(folder["tokenizer_config.json"], """{"eos_token":7}""");
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer.FromFolder(folder.FullName));
        Assert.Equal($"{folder["tokenizer_config.json"]}: 'eos_token' must be an object, but is the number 7.", error.Message);
    }

    private static TemporaryFolder Folder(string fixture)
    {
        var folder = new TemporaryFolder();
        File.Copy($"Fixtures/tokenizers/{fixture}/tokenizer.json", folder["tokenizer.json"]);
        return folder;
    }
}
