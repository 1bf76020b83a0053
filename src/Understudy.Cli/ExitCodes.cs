using System.Runtime.InteropServices;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Cli;

/// <summary>What the process says and returns when a verb does not come to its end.</summary>
internal static class ExitCodes
{
    public const int Done = 0, Failed = 1, InputAtFault = 2, Interrupted = 130, Terminated = 143;

    /// <summary>Runs a verb. An error is shown as its message alone, with <paramref name="verbose"/> also where it came from.</summary>
    public static int Guard(TextWriter error, bool verbose, StopSignal stop, string[] args, Func<int> verb)
    {
        try
        {
            return verb();
        }
        catch (OperationCanceledException) when (stop.Received is not null)
        {
            error.WriteLine($"Stopped. To continue where it stopped: understudy {string.Join(' ', args.Select(Quoted))}");
            return stop.Received == PosixSignal.SIGTERM ? Terminated : Interrupted;
        }
        catch (Exception e) when (IsInput(e))
        {
            error.WriteLine(verbose ? e : e.Message);
            return InputAtFault;
        }
        // The native library is loaded by a type initialiser, which wraps what is wrong with it.
        catch (TypeInitializationException e) when (e.InnerException is DllNotFoundException or TorchException)
        {
            error.WriteLine(verbose ? e : e.InnerException.Message);
            return InputAtFault;
        }
        catch (Exception e) when (e is TorchException or ArgumentException or TrainingDivergedException)
        {
            error.WriteLine(verbose ? e : $"{e.Message}\n--verbose shows where this came from.");
            return Failed;
        }
        catch (Exception e)
        {
            error.WriteLine(verbose ? e : $"{e.GetType().Name}: {e.Message}\nThis is a fault of Understudy. --verbose shows where it came from, which is what a report of it needs.");
            return Failed;
        }
    }

    // What the user can put right: the run file, the data, the disk.
    private static bool IsInput(Exception e) => e is RunFileException or DllNotFoundException or InvalidDataException or IOException or UnauthorizedAccessException;

    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '=' or ':' or ',' or '+' or '@' or '%')
            ? argument
            : $"'{argument.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
