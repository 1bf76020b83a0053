using System.Runtime.InteropServices;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Cli;

/// <summary>What the process says and returns when a verb does not come to its end.</summary>
internal static class ExitCodes
{
    public const int Done = 0, Failed = 1, InputAtFault = 2, DoesNotFit = 4, Interrupted = 130, ReaderGone = 141, Terminated = 143;

    private const int BrokenPipe = 32;

    /// <summary>Runs a verb. An error is shown as its message alone, with <paramref name="verbose"/> also where it came from.</summary>
    /// <param name="error">Where messages go.</param>
    /// <param name="verbose">Whether the stack is shown.</param>
    /// <param name="stop">Ctrl+C and SIGTERM.</param>
    /// <param name="args">The command line, to say how to continue.</param>
    /// <param name="continues">Whether the same command takes up what a stopped one has done.</param>
    /// <param name="verb">Does it.</param>
    public static int Guard(TextWriter error, bool verbose, StopSignal stop, string[] args, bool continues, Func<int> verb)
    {
        try
        {
            return verb();
        }
        catch (OperationCanceledException) when (stop.Received is not null)
        {
            error.WriteLine($"Stopped. {(continues ? "To continue where it stopped" : "To begin anew")}: {CommandText.Of(args)}");
            return stop.Received == PosixSignal.SIGTERM ? Terminated : Interrupted;
        }
        // As `head` does once it has enough: no fault of anybody's.
        catch (IOException e) when (e.HResult == BrokenPipe)
        {
            return ReaderGone;
        }
        catch (Exception e) when (IsInput(e))
        {
            Say(verbose ? $"{e}" : e.Message);
            return InputAtFault;
        }
        // The native library is loaded by a type initialiser, which wraps what is wrong with it.
        catch (TypeInitializationException e) when (e.InnerException is DllNotFoundException or TorchException)
        {
            Say(verbose ? $"{e}" : e.InnerException.Message);
            return InputAtFault;
        }
        catch (Exception e) when (e is TorchException or ArgumentException or TrainingDivergedException)
        {
            Say(verbose ? $"{e}" : $"{e.Message}\n--verbose shows where this came from.");
            return Failed;
        }
        catch (Exception e)
        {
            Say(verbose ? $"{e}" : $"{e.GetType().Name}: {e.Message}\nThis is a fault of Understudy. --verbose shows where it came from, which is what a report of it needs.");
            return Failed;
        }

        // A message quotes what it found, in files that anyone may have written.
        void Say(string text) => error.WriteLine(TerminalText.Of(text));
    }

    // What the user can put right: the run file, the data, the disk.
    private static bool IsInput(Exception e) => e is RunFileException or DllNotFoundException or InvalidDataException or IOException or UnauthorizedAccessException;
}
