using System.Text.Json.Nodes;
using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

public sealed class FolderTests
{
    [Theory]
    [InlineData("""{"tokenizer_class":"RobertaTokenizerFast"}""", null)]
    [InlineData(null, """{"model_type":"roberta"}""")]
    public void Vocabulary_and_merges_of_a_roberta_give_the_tokenizer_that_its_json_gives(string? tokenizerConfig, string? config)
    {
        using var folder = new TemporaryFolder();
        WriteVocabularyAndMerges(folder, "roberta-style");
        // The fixture keeps <mask> outside the model's vocabulary.
        File.WriteAllText(folder["added_tokens.json"], """{"<mask>":900}""");
        File.WriteAllText(folder["special_tokens_map.json"], """{"mask_token":{"content":"<mask>","lstrip":true,"rstrip":false,"normalized":false,"single_word":false}}""");
        if (tokenizerConfig is not null) File.WriteAllText(folder["tokenizer_config.json"], tokenizerConfig);
        if (config is not null) File.WriteAllText(folder["config.json"], config);
        var expected = Tokenizer.FromFolder("Fixtures/tokenizers/roberta-style");
        var actual = Tokenizer.FromFolder(folder.FullName);
        Assert.Equal(expected.VocabularySize, actual.VocabularySize);
        foreach (var text in RandomText.Many(seed: 3, count: 200))
        {
            Assert.Equal(expected.Encode(text, "b").Ids, actual.Encode(text, "b").Ids);
            Assert.Equal(expected.Encode(text).Offsets, actual.Encode(text).Offsets);
        }
    }

    [Fact]
    public void Vocabulary_and_merges_without_configuration_are_a_gpt2()
    {
        using var folder = new TemporaryFolder();
        WriteVocabularyAndMerges(folder, "neox-style");
        var tokenizer = Tokenizer.FromFolder(folder.FullName);
        Assert.Equal([333, 387, 0], tokenizer.Encode("text<|endoftext|>").Ids);
        Assert.Equal((4, 17), tokenizer.Encode("text<|endoftext|>").Offsets[2]);
    }

    [Fact]
    public void A_word_list_is_a_bert()
    {
        using var folder = new TemporaryFolder();
        var vocabulary = JsonNode.Parse(File.ReadAllText("Fixtures/tokenizers/wordpiece-cased/tokenizer.json"))!["model"]!["vocab"]!.AsObject();
        File.WriteAllLines(folder["vocab.txt"], vocabulary.OrderBy(entry => (int)entry.Value!).Select(entry => entry.Key));
        File.WriteAllText(folder["tokenizer_config.json"], """{"tokenizer_class":"BertTokenizer","do_lower_case":false}""");
        var expected = Tokenizer.FromFolder("Fixtures/tokenizers/wordpiece-cased");
        var actual = Tokenizer.FromFolder(folder.FullName);
        foreach (var text in RandomText.Many(seed: 4, count: 200))
        {
            Assert.Equal(expected.Encode(text, "b").Ids, actual.Encode(text, "b").Ids);
            Assert.Equal(expected.Encode(text, "b").TypeIds, actual.Encode(text, "b").TypeIds);
            Assert.Equal(expected.Decode(expected.Encode(text).Ids), actual.Decode(expected.Encode(text).Ids));
        }
    }

    [Fact]
    public void An_empty_folder_is_told_what_it_lacks()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<FileNotFoundException>(() => Tokenizer.FromFolder(folder.FullName));
        Assert.Equal(
            $"'{folder.FullName}' has no tokenizer: looked for 'tokenizer.json', for 'vocab.json' with 'merges.txt', and for 'vocab.txt'. "
            + "Copy the tokenizer's files into the folder.", error.Message);
        File.WriteAllText(folder["vocab.json"], "{}");
        error = Assert.Throws<FileNotFoundException>(() => Tokenizer.FromFolder(folder.FullName));
        Assert.Contains("'vocab.txt'. It has 'vocab.json', but not 'merges.txt'. Copy", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("spiece.model")]
    [InlineData("sentencepiece.bpe.model")]
    public void A_compiled_model_alone_is_refused_with_the_way_to_convert_it(string name)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder[name], [10, 14]);
        var error = Assert.Throws<FileNotFoundException>(() => Tokenizer.FromFolder(folder.FullName));
        Assert.Equal(
            $"'{folder.FullName}' has no 'tokenizer.json', only '{name}', a compiled model of SentencePiece or tiktoken, which is not read. Convert it once with Python: "
            + "from transformers import AutoTokenizer; AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER). This writes 'tokenizer.json' beside it.", error.Message);
        File.Copy("Fixtures/tokenizers/t5-style/tokenizer.json", folder["tokenizer.json"]);
        Assert.Equal(900, Tokenizer.FromFolder(folder.FullName).VocabularySize);
    }

    [Fact]
    public void Faults_of_bare_vocabularies_name_file_and_line()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["vocab.json"], """{"a":0,"b":1,"ab":2}""");
        File.WriteAllText(folder["merges.txt"], "#version: 0.2\na b\na c\n");
        AssertFault(folder, $"{folder["merges.txt"]}(3): the line merges 'a' with 'c', but 'c' is not in the vocabulary. Vocabulary and merges must come from the same tokenizer.");
        File.WriteAllText(folder["merges.txt"], "a b c\n");
        AssertFault(folder, $"{folder["merges.txt"]}(1): expected two tokens separated by one space, found 'a b c'. Copy the file again.");
        File.WriteAllText(folder["merges.txt"], "a b\n");
        File.WriteAllText(folder["tokenizer_config.json"], """{"tokenizer_class":"RobertaTokenizer"}""");
        AssertFault(folder, $"{folder["vocab.json"]}: the vocabulary and the special tokens of the folder do not go together: "
            + "the special token '</s>' is not in the vocabulary. Copy all files of one tokenizer.");
        File.WriteAllText(folder["tokenizer_config.json"], """{"tokenizer_class":"WhisperTokenizer"}""");
        AssertFault(folder, $"{folder["tokenizer_config.json"]}: 'tokenizer_class' is 'WhisperTokenizer', for which 'vocab.json' with 'merges.txt' is not enough to go by; "
            + "known are [RobertaTokenizer, BartTokenizer, LongformerTokenizer, LEDTokenizer, MvpTokenizer, GPT2Tokenizer, GPTNeoXTokenizer, CodeGenTokenizer]. "
            + "Save the tokenizer with transformers as 'tokenizer.json'.");
        File.Delete(folder["merges.txt"]);
        File.WriteAllText(folder["tokenizer_config.json"], "{}");
        File.WriteAllText(folder["vocab.txt"], "[UNK]\na\n[CLS]\na\n");
        AssertFault(folder, $"{folder["vocab.txt"]}(4): the token 'a' already stands in line 2. Copy the file again.");
        File.WriteAllText(folder["vocab.txt"], "[UNK]\na\n[CLS]\n");
        AssertFault(folder, $"{folder["vocab.txt"]}: the vocabulary and the special tokens of the folder do not go together: "
            + "the token '[SEP]' is not in the vocabulary. Copy all files of one tokenizer.");
    }

    private static void AssertFault(TemporaryFolder folder, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => Tokenizer.FromFolder(folder.FullName)).Message);

    private static void WriteVocabularyAndMerges(TemporaryFolder folder, string fixture)
    {
        var model = JsonNode.Parse(File.ReadAllText($"Fixtures/tokenizers/{fixture}/tokenizer.json"))!["model"]!;
        File.WriteAllText(folder["vocab.json"], model["vocab"]!.ToJsonString());
        File.WriteAllLines(folder["merges.txt"], model["merges"]!.AsArray().Select(merge => $"{merge![0]} {merge[1]}").Prepend("#version: 0.2"));
    }
}
