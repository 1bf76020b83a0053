using Understudy.Box;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Tests.Box;

/// <summary>A box with a tiny random model of each of the families that the real one has, in bfloat16 with cards.</summary>
internal static class TinyBox
{
    private static readonly string[] Lines = ["please play some music", "please stop some music", "please buy some bread", "0123456789"];

    /// <summary>Writes the models.</summary>
    /// <param name="folder">Made when it is not there.</param>
    public static ModelBox Fill(string folder)
    {
        var plain = BpeTrainer.Train(Lines, new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = [Special("<|endoftext|>"), Special("<|padding|>")] });
        var marked = BpeTrainer.Train(Lines, new BpeTrainerOptions
        {
            VocabularySize = 300,
            SpecialTokens = [Special("<s>"), Special("<pad>"), Special("</s>"), Special("<unk>"), Special("<mask>") with { LStrip = true }],
            RobertaTemplate = ("<s>", "</s>"),
        });
        var neox = new GptNeoxConfig { VocabSize = plain.VocabularySize, HiddenSize = 16, NumHiddenLayers = 1, NumAttentionHeads = 2, IntermediateSize = 32, MaxPositionEmbeddings = 64, TieWordEmbeddings = true, BosTokenId = 0, EosTokenId = 0, PadTokenId = 1 };
        Save(folder, "neox-mini", new GptNeoxForCausalLM(neox, new RandomParameters(1)), plain, "teacher", "text-generation");
        var roberta = new BertConfig { ModelType = "roberta", VocabSize = marked.VocabularySize, HiddenSize = 16, NumHiddenLayers = 1, NumAttentionHeads = 2, IntermediateSize = 32, MaxPositionEmbeddings = 66, TypeVocabSize = 1, LayerNormEps = 1e-5, PadTokenId = 1, BosTokenId = 0, EosTokenId = 2 };
        Save(folder, "roberta-mini", new BertForMaskedLM(roberta, new RandomParameters(2)), marked, "classification_student", "fill-mask");
        var bart = new BartConfig { VocabSize = marked.VocabularySize, HiddenSize = 16, EncoderLayers = 1, EncoderAttentionHeads = 2, EncoderFfnDim = 32, DecoderLayers = 1, DecoderAttentionHeads = 2, DecoderFfnDim = 32, MaxPositionEmbeddings = 64 };
        Save(folder, "bart-mini", new BartForConditionalGeneration(bart, new RandomParameters(3)), marked, "generation_student", "text2text-generation");
        return new ModelBox(folder);
    }

    private static void Save(string box, string name, IPretrainedModel model, Tokenizer tokenizer, string use, string task)
    {
        using (model)
            PretrainedFolder.Save(model, Path.Combine(box, name), tokenizer, new SaveOptions { DType = ScalarType.BFloat16 });
        File.WriteAllText(Path.Combine(box, name, "README.md"), $"""
            ---
            license: cc-by-sa-4.0
            language: [en]
            library_name: transformers
            pipeline_tag: {task}
            understudy_use: {use}
            ---

            # {name}

            A tiny random model
            for tests.

            ## Data

            None.

            """);
    }

    private static AddedToken Special(string content) => new() { Content = content, Special = true };
}
